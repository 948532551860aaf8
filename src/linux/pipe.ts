import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import { call } from "./libc.ts";

// fcntl.h; the same number on x86_64 and arm64.
const O_CLOEXEC = 0o2000000;

/** One of our ends of a pipe, and the other one as long as nobody else has it open. */
export interface Pipe<Near> {
  readonly near: Near;
  /** For a monitor to open: a description of its own, so that ours alone does not block. */
  readonly far: string;
  /** Closes our copy of the other end: from now on its holder's death is seen. Once. */
  readonly letGo: () => void;
}

/**
 * A pipe that we write into. Bytes that nobody will read any more (EPIPE) count as taken: why that is so is told elsewhere,
 * by who waits for the reader. Throws OperationFailed.
 */
export function pipeTo(): Pipe<Writable> {
  const { read, write } = openPipe();
  const socket = new Socket({ fd: write, readable: false, writable: true });
  socket.on("error", () => undefined);
  const near = new Writable({
    highWaterMark: 512 * 1024,
    write: (chunk: Buffer, _, done) => {
      if (socket.destroyed) done();
      else socket.write(chunk, () => done());
    },
    // Not end(): shutdown(2) knows no pipes.
    final: (done) => closing(socket, done),
    destroy: (error, done) => closing(socket, () => done(error)),
  });
  near.on("error", () => undefined);
  return { near, ...farEnd(read) };
}

/** A pipe that we read from; it ends when the last writer has closed it. Throws OperationFailed. */
export function pipeFrom(): Pipe<Socket> {
  const { read, write } = openPipe();
  return { near: new Socket({ fd: read, readable: true, writable: false }), ...farEnd(write) };
}

function openPipe(): { readonly read: number; readonly write: number } {
  const ends: number[] = [0, 0];
  call("pipe2", ends, O_CLOEXEC);
  const [read = -1, write = -1] = ends;
  return { read, write };
}

const farEnd = (fd: number): Omit<Pipe<never>, "near"> => ({
  far: `/proc/${process.pid}/fd/${fd}`,
  letGo: () => closeSync(fd),
});

function closing(socket: Socket, done: () => void): void {
  if (socket.closed) {
    done();
    return;
  }
  socket.once("close", () => done());
  socket.destroy();
}
