/** The part of an OCI image config that running a container needs (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly volumes: readonly string[];
  /** A name (`SIGQUIT`) or number, as in the image; empty: SIGTERM. */
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  /** `amd64`, `arm64` …: Go's names. */
  readonly architecture: string;
  readonly os: string;
}
