"""Both ends of a port, for tests: serve PROTOCOL PORT TEXT | ask PROTOCOL ADDRESS PORT [SOURCE_PORT] | hold PROTOCOL ADDRESS PORT

serve answers everyone with TEXT and the peer's address. ask prints the answer, or the error's name, and fails then. hold
binds (TCP: listens) and waits. SCTP is an INIT and its INIT ACK by raw sockets: the kernel may have none of its own.
"""
import errno
import os
import socket
import struct
import sys

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
SCTP = 132
SECONDS = 3


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp_packet(source, destination, tag, kind, own_tag, more=b""):
    chunk = struct.pack(">BBHIIHHI", kind, 0, 20 + len(more), own_tag, 65536, 1, 1, 1) + more
    head = struct.pack(">HHI", source, destination, tag)
    return head + struct.pack("<I", crc32c(head + b"\0\0\0\0" + chunk)) + chunk


def sctp_ports(packet):
    body = packet[(packet[0] & 15) * 4:]
    source, destination, _ = struct.unpack(">HHI", body[:8])
    return source, destination, body[12], struct.unpack(">I", body[16:20])[0]


def serve_sctp(port):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, SCTP)
    print("ready", flush=True)
    while True:
        packet, (peer, _) = raw.recvfrom(4096)
        source, destination, kind, tag = sctp_ports(packet)
        if destination == port and kind == 1:
            cookie = struct.pack(">HHI", 7, 8, 0)
            raw.sendto(sctp_packet(port, source, tag, 2, 77, cookie), (peer, 0))


def ask_sctp(address, port):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, SCTP)
    raw.settimeout(SECONDS)
    raw.sendto(sctp_packet(40000, port, 0, 1, 99), (address, 0))
    while True:
        source, destination, kind, _ = sctp_ports(raw.recv(4096))
        if (source, destination, kind) == (port, 40000, 2):
            return f"init ack from {source}"


def serve(protocol, port, text):
    if protocol == "sctp":
        return serve_sctp(port)
    listener = socket.socket(socket.AF_INET6, KINDS[protocol])
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    if protocol == "tcp":
        listener.listen()
    print("ready", flush=True)
    while True:
        if protocol == "tcp":
            connection, peer = listener.accept()
            connection.sendall(f"{text} {peer[0].removeprefix('::ffff:')}".encode())
            connection.close()
        else:
            _, peer = listener.recvfrom(4096)
            listener.sendto(f"{text} {peer[0].removeprefix('::ffff:')}".encode(), peer)


def ask(protocol, address, port, source):
    if protocol == "sctp":
        return ask_sctp(address, port)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, KINDS[protocol])
    one.settimeout(SECONDS)
    if source:
        one.bind(("", source))
    one.connect((address, port))
    if protocol == "udp":
        one.send(b"?")
    return one.recv(4096).decode()


def hold(protocol, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, KINDS[protocol])
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, protocol == "tcp")
    one.bind((address, port))
    if protocol == "tcp":
        one.listen()
    print("ready", flush=True)
    while True:
        if protocol == "tcp":
            connection, _ = one.accept()
            connection.sendall(b"a program of the host")
            connection.close()
        else:
            sys.stdin.read()
            return


def main(verb, protocol, *rest):
    try:
        if verb == "serve":
            serve(protocol, int(rest[0]), rest[1])
        elif verb == "hold":
            hold(protocol, rest[0], int(rest[1]))
        else:
            print(ask(protocol, rest[0], int(rest[1]), int(rest[2]) if len(rest) > 2 else 0))
    except TimeoutError:
        sys.exit("ETIMEDOUT")
    except OSError as error:
        sys.exit(errno.errorcode.get(error.errno, os.strerror(error.errno or 0)))


main(*sys.argv[1:])
