// The client of images and accounts. Every method throws ApiError for what the server refused, and what `connectDaemon` throws.
import type { Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import type {
  Credentials,
  InspectedImage,
  ListedImage,
  LoginRequest,
  PulledImage,
  PullProgress,
  RemovedImages,
} from "../image/types.ts";
import { HttpClient } from "./client-http.ts";
import type { ConnectOptions } from "./connect.ts";
import { ApiError, type Status } from "./status.ts";

export type { Credentials, InspectedImage, ListedImage, LoginRequest, PulledImage, PullProgress, RemovedImages };

export type PullPolicy = "always" | "missing" | "never";

export interface PullBody {
  readonly reference: string;
  readonly platform?: string | undefined;
  readonly credentials?: Credentials | undefined;
  readonly tlsVerify?: boolean | undefined;
  /** Absolute. */
  readonly authFile?: string | undefined;
  readonly policy?: PullPolicy | undefined;
}

type PullLine =
  | PullProgress
  | { readonly type: "done"; readonly image: PulledImage }
  | { readonly type: "error"; readonly status: Status };

const IMAGES = "/podrun/v1/images";

export class ImageClient {
  readonly #http: HttpClient;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#http = new HttpClient(config, options);
  }

  async list(): Promise<readonly ListedImage[]> {
    return (await this.#http.json<{ items: readonly ListedImage[] }>("GET", IMAGES)).items;
  }

  inspect(reference: string): Promise<InspectedImage> {
    return this.#http.json("GET", `${IMAGES}/inspect`, { reference });
  }

  /** Leaving before its end cancels the pull. */
  async pull(body: PullBody, onProgress: (progress: PullProgress) => void, signal?: AbortSignal): Promise<PulledImage> {
    for await (const line of this.#http.lines<PullLine>(`${IMAGES}/pull`, { method: "POST", body, signal })) {
      if (line.type === "error") throw new ApiError(line.status);
      if (line.type === "done") return line.image;
      onProgress(line);
    }
    if (signal?.aborted === true) throw new PodrunError("Cancelled", `the pull of "${body.reference}" was cancelled`);
    throw new PodrunError(
      "DaemonUnreachable",
      `the podrun daemon left while it pulled "${body.reference}": pull it again`,
    );
  }

  /** The images' normalised names, or ids. */
  async load(archive: NodeJS.ReadableStream, name?: string): Promise<readonly string[]> {
    const answer = await this.#http.upload<{ references: readonly string[] }>(`${IMAGES}/load`, { name }, archive);
    return answer.references;
  }

  /** Throws in the middle when the archive is not whole. */
  save(references: readonly string[]): AsyncGenerator<Buffer> {
    return this.#http.stream(`${IMAGES}/save`, { query: { reference: references } });
  }

  /** The image's id. */
  async importRootfs(
    tar: NodeJS.ReadableStream,
    options: {
      readonly reference?: string | undefined;
      readonly changes: readonly string[];
      readonly message?: string | undefined;
    },
  ): Promise<string> {
    const { reference, changes, message } = options;
    return (await this.#http.upload<{ id: string }>(`${IMAGES}/import`, { reference, change: changes, message }, tar))
      .id;
  }

  async tag(source: string, target: string): Promise<void> {
    await this.#http.json("POST", `${IMAGES}/tag`, {}, { source, target });
  }

  remove(reference: string, force: boolean): Promise<RemovedImages> {
    return this.#http.json("DELETE", IMAGES, { reference, force: force ? 1 : undefined });
  }

  prune(options: {
    readonly all: boolean;
    readonly untilSeconds?: number | undefined;
    readonly dryRun: boolean;
  }): Promise<RemovedImages> {
    return this.#http.json("POST", `${IMAGES}/prune`, {}, options);
  }

  /** The file that the account was written to. */
  login(request: LoginRequest): Promise<{ readonly file: string }> {
    return this.#http.json("POST", "/podrun/v1/login", {}, request);
  }

  logout(request: {
    readonly registry?: string | undefined;
    readonly all?: boolean;
    readonly authFile?: string | undefined;
  }): Promise<{ readonly file: string }> {
    return this.#http.json("POST", "/podrun/v1/logout", {}, request);
  }

  /** The user's name; undefined: nobody is logged in. */
  async loggedIn(registry: string, authFile?: string): Promise<string | undefined> {
    return (await this.#http.json<{ username?: string }>("GET", "/podrun/v1/login", { registry, authFile })).username;
  }
}
