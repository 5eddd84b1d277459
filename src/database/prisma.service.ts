import { type OnModuleDestroy } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../generated/prisma/client.js';

/** Reads and ordinary writes. The few hot statements go through `SqlPool`. */
export class PrismaService extends PrismaClient implements OnModuleDestroy {
  constructor(databaseUrl: string) {
    super({ adapter: new PrismaPg({ connectionString: databaseUrl, max: 8 }) });
  }

  async onModuleDestroy(): Promise<void> {
    await this.$disconnect();
  }
}
