import 'reflect-metadata';
import { Body, Controller, HttpCode, Logger, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { PinoLogger } from '../src/logger.js';
import { PrismaService } from '../src/database/prisma.service.js';
import { answerParent } from './child.js';

let duplicates = 0;

/**
 * What one writes first: a controller, a JSON body, one Prisma `create` with a unique key. No token, no signature; a
 * duplicate is a violated key, answered like any other callback.
 */
@Controller('callbacks')
class PlainController {
  constructor(private readonly prisma: PrismaService) {}

  @Post(':account/:token')
  @HttpCode(200)
  async receive(@Param('account') account: string, @Body() body: object): Promise<string> {
    const text = JSON.stringify(body);
    try {
      await this.prisma.receipt.create({
        data: { id: keyOf(account, text), account, via: 'callback', verified: 'token', body: Buffer.from(text) },
        select: { id: true },
      });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'P2002') throw error;
      duplicates++;
    }
    return 'ok';
  }
}

/** The primary key is the unique key, so the baseline keeps no second index for it. */
function keyOf(account: string, text: string): string {
  const hex = createHash('sha256').update(account).update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

let app: NestFastifyApplication | null = null;

answerParent<{ databaseUrl: string } | 'duplicates'>(
  async (question) => {
    if (question === 'duplicates') {
      const counted = duplicates;
      duplicates = 0;
      return counted;
    }
    Logger.overrideLogger(new PinoLogger('warn', (line) => line));
    const prisma = { provide: PrismaService, useFactory: () => new PrismaService(question.databaseUrl) };
    class PlainModule {}
    Module({ controllers: [PlainController], providers: [prisma] })(PlainModule);
    app = await NestFactory.create<NestFastifyApplication>(PlainModule, new FastifyAdapter());
    await app.listen(0, '127.0.0.1');
    return { url: `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}` };
  },
  async () => app?.close(),
);
