import { Inject, Injectable } from '@nestjs/common';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { PrismaService } from '../database/prisma.service.js';
import { KeyNotFound } from '../domain/errors.js';
import { INTERVALS, type Intervals } from '../loops/intervals.js';
import { CurrentSettings } from '../settings/current-settings.js';
import type { Key, NewKey } from './key-schemas.js';
import type { Caller, Scope } from './scopes.js';

/** Strangers may try as many keys as they like; we do not remember them all. */
const CACHE_SIZE = 2000;
const LONGEST_KEY = 512;

type Row = { id: string; name: string; scope: string; createdAt: Date; revokedAt: Date | null };

/** The keys people query with: the first admin key from the settings, the others from the table, by hash. */
@Injectable()
export class ApiKeys {
  private readonly cache = new Map<string, { caller: Promise<Caller | null>; until: number }>();

  constructor(
    private readonly prisma: PrismaService,
    private readonly settings: CurrentSettings,
    @Inject(INTERVALS) private readonly intervals: Intervals,
  ) {}

  /** Whose key this is; null: nobody's. Usually costs no query. */
  async identify(key: string): Promise<Caller | null> {
    if (key.length > LONGEST_KEY) return null;
    const hash = hashOf(key);
    const { apiKey } = this.settings.value;
    if (apiKey !== null && timingSafeEqual(hash, hashOf(apiKey))) return { name: 'first admin key', scope: 'admin' };

    const cacheKey = hash.toString('base64');
    const cached = this.cache.get(cacheKey);
    if (cached && cached.until > performance.now()) return cached.caller;
    if (this.cache.size >= CACHE_SIZE) this.cache.clear();
    const caller = this.find(hash);
    this.cache.set(cacheKey, { caller, until: performance.now() + this.intervals.apiKeyCache });
    // A database that does not answer says nothing about the key.
    caller.catch(() => this.cache.delete(cacheKey));
    return caller;
  }

  async create({ name, scope }: NewKey): Promise<Key & { key: string }> {
    const key = `cs_${randomBytes(32).toString('base64url')}`;
    const row = await this.prisma.apiKey.create({
      data: { id: uuidv7(), name, scope, keyHash: new Uint8Array(hashOf(key)) },
    });
    return { ...keyView(row), key };
  }

  async list(): Promise<{ data: Key[]; nextCursor: null }> {
    const rows = await this.prisma.apiKey.findMany({ orderBy: { id: 'asc' } });
    return { data: rows.map(keyView), nextCursor: null };
  }

  async revoke(id: string): Promise<void> {
    const { count } = await this.prisma.apiKey.updateMany({
      where: { id, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    this.cache.clear();
    if (count === 0) throw new KeyNotFound(id);
  }

  private async find(hash: Buffer): Promise<Caller | null> {
    const row = await this.prisma.apiKey.findUnique({ where: { keyHash: new Uint8Array(hash) } });
    return row === null || row.revokedAt !== null ? null : { name: row.name, scope: row.scope as Scope };
  }
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function keyView({ id, name, scope, createdAt, revokedAt }: Row): Key {
  return {
    id,
    name,
    scope: scope as Scope,
    createdAt: createdAt.toISOString(),
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
