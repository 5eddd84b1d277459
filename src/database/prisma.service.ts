import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.js';
import { connectionOptions, endWithin, LIMITS } from './connections.js';

/** Reads and ordinary writes of people's requests. The few hot statements go through `SqlPool`. */
export class PrismaService extends PrismaClient implements OnModuleDestroy {
  private readonly pool: pg.Pool;

  constructor(databaseUrl: string) {
    const pool = new pg.Pool(connectionOptions(databaseUrl, 'callsheet read', LIMITS.prisma));
    const logger = new Logger(PrismaService.name);
    pool.on('error', (error) => logger.warn(`an idle database connection broke: ${error.message}`));
    super({ adapter: new PrismaPg(pool) });
    this.pool = pool;
  }

  async onModuleDestroy(): Promise<void> {
    await this.$disconnect();
    await endWithin(2_000, this.pool);
  }
}
