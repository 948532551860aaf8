// The databases' schemas, as the steps that lead to them. Append only: a step that has been released is never changed,
// because it has been taken on somebody's machine.

/** What survives a reboot: STATE/state.db. */
export const STATE_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO counters VALUES ('resourceVersion', 0), ('lease', 0);

  CREATE TABLE objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL, resource_version INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
  );

  CREATE TABLE images (id TEXT PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE image_references (reference TEXT PRIMARY KEY, image TEXT NOT NULL REFERENCES images(id));
  CREATE TABLE layers (digest TEXT PRIMARY KEY, folder TEXT NOT NULL UNIQUE, size INTEGER NOT NULL);
  CREATE TABLE image_layers (
    image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE, layer TEXT NOT NULL REFERENCES layers(digest),
    PRIMARY KEY (image, layer)
  ) WITHOUT ROWID;

  -- released: milliseconds since the epoch; NULL while the pod has it
  CREATE TABLE leases (
    number INTEGER PRIMARY KEY, pod TEXT NOT NULL, ip4 TEXT NOT NULL UNIQUE, ip6 TEXT NOT NULL UNIQUE,
    link_index INTEGER NOT NULL UNIQUE, link_name TEXT NOT NULL UNIQUE, network TEXT NOT NULL, released INTEGER
  );
  CREATE UNIQUE INDEX living_leases ON leases (pod) WHERE released IS NULL
  `,
  // last_used: milliseconds since the epoch, 0: never. tar_size: NULL for layers that podrun 0.1.0 unpacked.
  `
  ALTER TABLE images ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE layers ADD COLUMN tar_size INTEGER
  `,
];

/** What lives as long as the machine runs: RUN/run-BOOT.db. */
export const RUN_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sandboxes (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE containers (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID
  `,
];
