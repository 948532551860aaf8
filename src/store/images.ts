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
}

/** Image records, the names that point to them, and the layers that they share. */
export class ImageTable<T extends StoredImage> {
  readonly #database: Database;
  readonly #prepare: (sql: string) => Query;

  constructor(database: Database) {
    this.#database = database;
    const prepared = new Map<string, Query>();
    this.#prepare = (sql) => {
      const query = prepared.get(sql) ?? database.prepare(sql);
      prepared.set(sql, query);
      return query;
    };
  }

  /** Records an image with its layers, and lets the references point to it (away from what they meant before). */
  add(image: T, references: readonly string[], layers: readonly StoredLayer[]): void {
    this.#database.transaction(() => {
      const addLayer = this.#prepare("INSERT OR IGNORE INTO layers VALUES (?, ?, ?)");
      for (const { digest, folder, size } of layers) addLayer.run(digest, folder, size);
      this.#prepare("INSERT INTO images VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body").run(
        image.id,
        JSON.stringify(image),
      );
      const link = this.#prepare("INSERT OR IGNORE INTO image_layers VALUES (?, ?)");
      for (const digest of image.layers) link.run(image.id, digest);
      const name = this.#prepare("INSERT OR REPLACE INTO image_references VALUES (?, ?)");
      for (const reference of references) name.run(reference, image.id);
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
  list(): readonly { readonly image: T; readonly references: readonly string[] }[] {
    const names = this.#prepare("SELECT reference, image FROM image_references ORDER BY reference").all();
    return this.#prepare("SELECT id, body FROM images ORDER BY id")
      .all()
      .map((row) => ({
        image: JSON.parse(String(row["body"])) as T,
        references: names.filter((name) => name["image"] === row["id"]).map((name) => String(name["reference"])),
      }));
  }

  layers(): readonly StoredLayer[] {
    return this.#prepare("SELECT * FROM layers ORDER BY digest").all().map(layer);
  }

  layer(digest: string): StoredLayer | undefined {
    const row = this.#prepare("SELECT * FROM layers WHERE digest = ?").get(digest);
    return row === undefined ? undefined : layer(row);
  }

  /** Drops an image, its references, and the layers that no other image has; returns those, for their folders to go. */
  remove(id: string): readonly StoredLayer[] {
    return this.#database.transaction(() => {
      this.#prepare("DELETE FROM image_references WHERE image = ?").run(id);
      this.#prepare("DELETE FROM images WHERE id = ?").run(id);
      return this.#prepare("DELETE FROM layers WHERE digest NOT IN (SELECT layer FROM image_layers) RETURNING *")
        .all()
        .map(layer);
    });
  }
}

function image<T>(row: Row | undefined): T | undefined {
  return row === undefined ? undefined : (JSON.parse(String(row["body"])) as T);
}

function layer(row: Row): StoredLayer {
  return { digest: String(row["digest"]), folder: String(row["folder"]), size: Number(row["size"]) };
}
