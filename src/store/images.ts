import type { Database, Query, Row } from "./database.ts";

/** An image's record, as far as storing it goes; `image/` knows the rest of it. */
export interface StoredImage {
  /** Digest of its config. */
  readonly id: string;
  /** Digests of its layers (diff ids), lowest first. */
  readonly layers: readonly string[];
}

/** A layer that lies unpacked in the layers' folder. */
export interface StoredLayer {
  /** Digest of the uncompressed layer (diff id). */
  readonly digest: string;
  /** Its folder's name. */
  readonly folder: string;
  /** Bytes of its files. */
  readonly size: number;
  /** Bytes of its uncompressed archive, where it is known. */
  readonly tarSize?: number | undefined;
}

export interface ListedImage<T extends StoredImage> {
  readonly image: T;
  readonly references: readonly string[];
  /** Milliseconds since the epoch; 0: never. */
  readonly lastUsed: number;
}

const ORPHANS = "digest NOT IN (SELECT layer FROM image_layers)";

/** Image records, the names that point to them, and the layers that they share. */
export class ImageTable<T extends StoredImage> {
  readonly #database: Database;
  readonly #normal: Database;
  readonly #prepared = new Map<string, Query>();

  /** `normal`: a connection whose commits need not be waited for. */
  constructor(database: Database, normal: Database = database) {
    this.#database = database;
    this.#normal = normal;
  }

  /** Records an image with its layers, and lets the references point to it (away from what they meant before). */
  add(image: T, references: readonly string[], layers: readonly StoredLayer[]): void {
    this.#database.transaction(() => {
      this.#insertLayers(layers);
      this.#prepare(
        "INSERT INTO images (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
      ).run(image.id, JSON.stringify(image));
      const link = this.#prepare("INSERT OR IGNORE INTO image_layers VALUES (?, ?)");
      for (const digest of image.layers) link.run(image.id, digest);
      for (const reference of references) this.#point(reference, image.id);
    });
  }

  /** Records layers that no image has yet. */
  addLayers(layers: readonly StoredLayer[]): void {
    this.#database.transaction(() => this.#insertLayers(layers));
  }

  /** The reference points to the image (away from what it meant before). */
  tag(reference: string, id: string): void {
    this.#database.transaction(() => this.#point(reference, id));
  }

  untag(references: readonly string[]): void {
    this.#database.transaction(() => {
      for (const name of references) this.#prepare("DELETE FROM image_references WHERE reference = ?").run(name);
    });
  }

  /** The images were in use at this moment (ms). */
  touch(ids: readonly string[], at: number): void {
    const touch = this.#prepare("UPDATE images SET last_used = max(last_used, ?) WHERE id = ?", this.#normal);
    this.#normal.transaction(() => {
      for (const id of ids) touch.run(at, id);
    });
  }

  get(id: string): T | undefined {
    return image<T>(this.#prepare("SELECT body FROM images WHERE id = ?").get(id));
  }

  find(reference: string): T | undefined {
    return image<T>(
      this.#prepare("SELECT body FROM images JOIN image_references ON image = id WHERE reference = ?").get(reference),
    );
  }

  /** All images, by id, with their references. */
  list(): readonly ListedImage<T>[] {
    const names = Map.groupBy(
      this.#prepare("SELECT reference, image FROM image_references ORDER BY reference").all(),
      (row) => String(row["image"]),
    );
    return this.#prepare("SELECT id, body, last_used FROM images ORDER BY id")
      .all()
      .map((row) => ({
        image: JSON.parse(String(row["body"])) as T,
        references: (names.get(String(row["id"])) ?? []).map((name) => String(name["reference"])),
        lastUsed: Number(row["last_used"]),
      }));
  }

  layers(): readonly StoredLayer[] {
    return this.#prepare("SELECT * FROM layers ORDER BY digest").all().map(layer);
  }

  layer(digest: string): StoredLayer | undefined {
    const row = this.#prepare("SELECT * FROM layers WHERE digest = ?").get(digest);
    return row === undefined ? undefined : layer(row);
  }

  /** Digests of the layers that no image has. */
  orphans(): readonly string[] {
    return this.#prepare(`SELECT digest FROM layers WHERE ${ORPHANS} ORDER BY digest`)
      .all()
      .map((row) => String(row["digest"]));
  }

  /** Drops an image, its references, and those of its layers that no other image has (and `keep` has not); returns these, for their folders to go. */
  remove(id: string, keep: ReadonlySet<string> = new Set()): readonly StoredLayer[] {
    return this.#database.transaction(() => {
      const digests = this.#prepare("SELECT layer FROM image_layers WHERE image = ? ORDER BY layer").all(id);
      this.#prepare("DELETE FROM image_references WHERE image = ?").run(id);
      this.#prepare("DELETE FROM images WHERE id = ?").run(id);
      return this.#dropOrphans(digests.map((row) => String(row["layer"])).filter((digest) => !keep.has(digest)));
    });
  }

  /** Drops those of the layers that no image has; returns these, for their folders to go. */
  removeLayers(digests: readonly string[]): readonly StoredLayer[] {
    return this.#database.transaction(() => this.#dropOrphans(digests));
  }

  #insertLayers(layers: readonly StoredLayer[]): void {
    const add = this.#prepare("INSERT OR IGNORE INTO layers (digest, folder, size, tar_size) VALUES (?, ?, ?, ?)");
    for (const { digest, folder, size, tarSize } of layers) add.run(digest, folder, size, tarSize ?? null);
  }

  #point(reference: string, id: string): void {
    this.#prepare("INSERT OR REPLACE INTO image_references VALUES (?, ?)").run(reference, id);
  }

  #dropOrphans(digests: readonly string[]): readonly StoredLayer[] {
    const drop = this.#prepare(`DELETE FROM layers WHERE digest = ? AND ${ORPHANS} RETURNING *`);
    return digests.flatMap((digest) => drop.all(digest).map(layer));
  }

  #prepare(sql: string, database: Database = this.#database): Query {
    const query = this.#prepared.get(sql) ?? database.prepare(sql);
    this.#prepared.set(sql, query);
    return query;
  }
}

function image<T>(row: Row | undefined): T | undefined {
  return row === undefined ? undefined : (JSON.parse(String(row["body"])) as T);
}

function layer(row: Row): StoredLayer {
  const tarSize = row["tar_size"] === null ? {} : { tarSize: Number(row["tar_size"]) };
  return { digest: String(row["digest"]), folder: String(row["folder"]), size: Number(row["size"]), ...tarSize };
}
