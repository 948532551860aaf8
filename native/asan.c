/* The sanitized monitor's defaults: it is started without an environment and without an error output. Leaks are the unit
 * tests' business; the leak checker can't look into a process that is non-dumpable. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:abort_on_error=1:log_path=/tmp/podrun-monitor-asan"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "print_stacktrace=1:log_path=/tmp/podrun-monitor-asan"; }
