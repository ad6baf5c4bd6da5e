export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** A node, or a socket of this machine. */
export type RedisAddress = RedisNode | { readonly path: string };
