// Files into and out of a container, the client's end.
import type { IncomingMessage } from "node:http";
import type { Config } from "../base/config.ts";
import { HttpClient } from "./client-http.ts";
import type { ConnectOptions } from "./connect.ts";
import { DEFAULTED_HEADER } from "./default-container.ts";
import { ApiError, type Status } from "./status.ts";

/** What is at a path of a container, and whom the container runs as. */
export interface RemotePlace {
  /** Absolute. */
  readonly path: string;
  readonly type: "file" | "folder" | "other" | "missing";
  readonly uid: number;
  readonly gid: number;
}

export interface Skipped {
  readonly path: string;
  readonly why: string;
}

export interface RemoteContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string | undefined;
}

/** Every method throws ApiError for what the server refused, and what `connectDaemon` throws. */
export class FilesClient {
  readonly #http: HttpClient;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#http = new HttpClient(config, options);
  }

  look({ namespace, pod, container }: RemoteContainer, path: string): Promise<RemotePlace> {
    return this.#http.json("GET", filesPath(namespace, pod), { container, path, look: 1 });
  }

  /** The archive's bytes; `onEnd` hears what was left out. A copy that fails in the middle throws at its end. */
  async *read(
    { namespace, pod, container }: RemoteContainer,
    path: string,
    hear: { readonly onEnd: (skipped: readonly Skipped[]) => void; readonly onDefaulted: (text: string) => void },
  ): AsyncGenerator<Buffer> {
    let answer: IncomingMessage | undefined;
    const onAnswer = (response: IncomingMessage): void => {
      answer = response;
      const defaulted = response.headers[DEFAULTED_HEADER];
      if (typeof defaulted === "string") hear.onDefaulted(defaulted);
    };
    yield* this.#http.stream(filesPath(namespace, pod), { query: { container, path }, onAnswer });
    const { skipped, status } = JSON.parse(decodeURIComponent(answer?.trailers["podrun-outcome"] ?? "%7B%7D")) as {
      skipped?: readonly Skipped[];
      status?: Status;
    };
    hear.onEnd(skipped ?? []);
    if (status !== undefined) throw new ApiError(status);
  }

  /** Unpacks an archive whose names are paths of the container. */
  write({ namespace, pod, container }: RemoteContainer, archive: NodeJS.ReadableStream): Promise<{ files: number }> {
    return this.#http.upload(filesPath(namespace, pod), { container }, archive);
  }
}

const filesPath = (namespace: string, pod: string): string =>
  `/podrun/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/files`;
