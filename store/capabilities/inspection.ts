// What a store says of itself to whoever checks it. Nothing is judged here.

/** A folder or file of a file store. `mode`: its permission bits. */
export interface InspectedPlace {
  readonly path: string;
  readonly isFolder: boolean;
  readonly owner: number;
  readonly mode: number;
}

export interface FileInspection {
  readonly is: 'file';
  /** The user of this process; null where the system knows none. */
  readonly user: number | null;
  /** What nobody but operators may write: the folder of the switch, its `control` and the log. */
  readonly places: readonly InspectedPlace[];
  /** The folders in which that of the switch lies. */
  readonly above: readonly InspectedPlace[];
}

/** A user of Redis that is on. `may`: the commands it may use that give authority back, or take the switch away. */
export interface InspectedUser {
  readonly name: string;
  readonly needsPassword: boolean;
  readonly may: readonly string[];
}

export interface RedisInspection {
  readonly is: 'redis';
  /** Who this connection is; null: `default`, or not known. */
  readonly user: string | null;
  /** What INFO says, by field. */
  readonly info: ReadonlyMap<string, string>;
  /** What CONFIG GET says of persistence and replicas; null where this user may not ask. */
  readonly config: ReadonlyMap<string, string> | null;
  /** Null where this user may not ask. */
  readonly users: readonly InspectedUser[] | null;
}

/** Why a store takes no change: `notPermitted` where that is only about this user. */
export interface TakesNone {
  readonly why: string;
  readonly notPermitted: boolean;
}

export interface Inspection {
  /** Null: it takes changes now. */
  readonly takesNone: TakesNone | null;
  /** Null: there is nothing to check. */
  readonly of: FileInspection | RedisInspection | null;
}
