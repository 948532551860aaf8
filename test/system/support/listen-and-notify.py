"""Starts a daemon as systemd does: listen-and-notify.py RUN_FOLDER COMMAND…

Opens RUN_FOLDER/podrun.sock, hands it over as descriptor 3 (sd_listen_fds(3)), prints what the daemon says on its
NOTIFY_SOCKET (sd_notify(3)), and leaves with the daemon's exit code.
"""
import os
import socket
import sys

folder, command = sys.argv[1], sys.argv[2:]
api = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
api.bind(os.path.join(folder, "podrun.sock"))
api.listen()
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(os.path.join(folder, "notify.sock"))

pid = os.fork()
if pid == 0:
    os.dup2(api.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = "1"
    os.environ["NOTIFY_SOCKET"] = os.path.join(folder, "notify.sock")
    os.execv(command[0], command)
api.close()
print(notify.recv(4096).decode(), flush=True)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
