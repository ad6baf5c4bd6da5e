import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import sqlite from 'node-sqlite3-wasm';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { DatabaseTransaction } from '../../guard/transaction.ts';
import { temporaryFolder } from '../servers/index.ts';
import { openHeld } from './holding.ts';
import { openMemorySwitch } from './open-switch.ts';

/** A transaction that books orders, each of which names a customer. That is checked by the commit, not before. */
interface Booking extends DatabaseTransaction {
  insert(order: string, customer?: string): unknown;
}

interface Database {
  readonly begin: () => Promise<Booking>;
  /** The orders that are there, asked of the database when no transaction is open. */
  readonly orders: () => Promise<unknown[]>;
  readonly clear: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

const TABLES = `CREATE TABLE customers (id TEXT PRIMARY KEY);
  INSERT INTO customers VALUES ('ada');
  CREATE TABLE orders (id TEXT, customer TEXT REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED);`;
const INSERT = (mark: string): string => `INSERT INTO orders VALUES (${mark}1, ${mark}2)`;
const ORDERS = 'SELECT id FROM orders ORDER BY id';

const DATABASES: Readonly<Record<string, () => Promise<Database>>> = {
  async 'PostgreSQL (PGlite)'() {
    const db = await PGlite.create();
    await db.exec(TABLES);
    return {
      async begin() {
        await db.exec('BEGIN');
        return {
          insert: (order, customer = 'ada') => db.query(INSERT('$'), [order, customer]),
          commit: () => db.exec('COMMIT'),
          rollback: () => db.exec('ROLLBACK'),
        };
      },
      orders: async () => (await db.query<{ id: string }>(ORDERS)).rows.map(({ id }) => id),
      clear: () => db.exec('DELETE FROM orders'),
      close: () => db.close(),
    };
  },
  async 'SQLite on a file'() {
    const file = join(temporaryFolder('transactions').path, 'orders.db');
    const db = new sqlite.Database(file);
    db.exec(`PRAGMA foreign_keys = ON; ${TABLES}`);
    return {
      async begin() {
        db.exec('BEGIN IMMEDIATE');
        return {
          insert: (order, customer = 'ada') => db.run(INSERT('?'), [order, customer]),
          commit: () => db.exec('COMMIT'),
          rollback: () => db.exec('ROLLBACK'),
        };
      },
      async orders() {
        const reader = new sqlite.Database(file, { readOnly: true }); // what is in the file, not what the writer has
        try {
          return reader.all(ORDERS).map((row) => row['id']);
        } finally {
          reader.close();
        }
      },
      clear: async () => db.exec('DELETE FROM orders'),
      close: async () => db.close(),
    };
  },
};

describe.each(Object.entries(DATABASES))('a transaction in %s', { timeout: 60_000 }, (_name, open) => {
  let database: Database;
  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());

  /** A switch in live mode; after the test a transaction must be possible again. */
  async function setUp(options: Parameters<typeof openMemorySwitch>[0] = {}) {
    await database.clear();
    onTestFinished(async () => {
      const tx = await database.begin(); // a transaction that was left open would refuse another one
      await tx.rollback();
    });
    const opened = await openMemorySwitch({ agentId: 'x', ...options });
    const { killSwitch } = opened;
    /** A run that books two orders, with something in between. */
    const book = (between: () => unknown = () => {}): Promise<unknown> =>
      killSwitch.run({ runId: 'r' }, () =>
        killSwitch.transaction(database.begin, async (tx) => {
          await tx.insert('first');
          await between();
          await tx.insert('second');
        }),
      );
    return { ...opened, book };
  }

  test('is there when its run ends well', async () => {
    const { book } = await setUp();
    await book();
    expect(await database.orders()).toEqual(['first', 'second']);
  });

  test('leaves nothing where its work fails in the middle', async () => {
    const { book } = await setUp();
    await expect(book(() => Promise.reject(new Error('out of stock')))).rejects.toThrow('out of stock');
    expect(await database.orders()).toEqual([]);
  });

  test('leaves nothing where the database refuses the commit, which is thrown as it is', async () => {
    const { killSwitch } = await setUp();
    const booked = killSwitch.transaction(database.begin, async (tx) => {
      await tx.insert('first');
      await tx.insert('second', 'nobody');
    });
    await expect(booked).rejects.toThrow(/foreign key/i);
    expect(await database.orders()).toEqual([]);
  });

  test.each(['full_stop', 'paused', 'approval_gated'] as const)(
    'leaves nothing where its run comes to %s in the middle, although all of its statements were run',
    async (mode) => {
      const { control, killSwitch, book } = await setUp();
      const stopped = book(async () => {
        await control.kill({ target: 'run:r', mode });
        await vi.waitUntil(() => killSwitch.check({ agentId: 'x', runId: 'r' }).mode === mode);
      });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', decision: { cause: { kind: 'kill' } } });
      expect(await database.orders()).toEqual([]);
      await control.revive({ target: 'run:r', reason: 'test' });
      await vi.waitUntil(() => killSwitch.check({ agentId: 'x', runId: 'r' }).verdict === 'allow');
      await book();
      expect(await database.orders()).toEqual(['first', 'second']);
    },
  );

  test('leaves nothing where the control plane cannot be reached any more when it is to be committed', async () => {
    const { memory, killSwitch, book } = await setUp({ leaseMs: 500 });
    const stopped = book(async () => {
      memory.fault = 'unreachable';
      await vi.waitUntil(() => killSwitch.check().verdict === 'block', { timeout: 10_000 });
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', decision: { cause: { kind: 'fault' } } });
    expect(await database.orders()).toEqual([]);
    memory.fault = null;
  });

  test('is there where people have approved the call that opened it, and not where that is stopped', async () => {
    for (const isStopped of [false, true]) {
      await database.clear();
      const held = await openHeld({
        execute: ({ order = '' }) =>
          held.killSwitch.transaction(database.begin, async (tx) => {
            await tx.insert(order);
            if (!isStopped) return '';
            await held.control.kill({ target: 'agent:returns-bot' });
            await vi.waitUntil(() => held.killSwitch.check().verdict === 'block');
            return '';
          }),
      });
      const call = held.refund.attempt({ cents: 5, order: 'a' }, { waitMs: 60_000 });
      await held.control.approve({ id: await held.oneWaiting() });
      expect(await call).toMatchObject({ status: isStopped ? 'aborted' : 'executed' });
      expect(await database.orders()).toEqual(isStopped ? [] : ['a']);
    }
  });
});
