import { v7 as uuidv7 } from 'uuid';
import { digestOf } from '../src/domain/digest.js';
import { refHash } from '../src/domain/job-ref.js';
import type { Observation } from '../src/domain/observation.js';
import { newJob, transition, visibleFiles, type JobEvent, type JobState } from '../src/domain/transition.js';
import { Prisma } from '../src/generated/prisma/client.js';
import { PrismaService } from '../src/database/prisma.service.js';
import { interpret } from '../src/tracking/interpret.js';
import { jobColumns, outputColumns, outputId, streamRow, subjobColumns } from '../src/tracking/job-rows.js';
import { apiNamed } from '../src/vendors/registry.js';

type Transaction = Prisma.TransactionClient;

/**
 * The same work the way one writes it first: an interactive transaction for each observation, rows read with their
 * relations, upserted and created one by one. Reading and deciding are the program's own, so that only the writing differs.
 */
export async function applyWithPrisma(prisma: PrismaService, pending: { id: bigint }[], atOnce: number): Promise<void> {
  const queue = [...pending];
  const applier = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { id } = next;
      await prisma.$transaction((tx) => applyOne(tx, id), { maxWait: 10_000, timeout: 30_000 });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, applier));
}

/** An answer about several jobs is one transaction: the baseline's gain, since it commits less often. */
async function applyOne(tx: Transaction, pendingId: bigint): Promise<void> {
  for (const observation of await takeObservations(tx, pendingId)) await applyObservation(tx, observation);
  await tx.pendingReceipt.delete({ where: { id: pendingId } });
}

async function applyObservation(tx: Transaction, observation: Observation): Promise<void> {
  const { seen, receiptId } = observation;
  const job = await tx.job.findFirstOrThrow({
    where: { vendorJobId: seen.vendorJobId },
    include: { subjobs: true, outputs: true },
  });
  const api = apiNamed(job.api);
  const rules = { outcomeInParts: api?.outcomeInParts ?? false, batch: api?.batch ?? false, claimOnly: false };
  // Every job of the benchmark is queued and has no parts yet.
  const { job: after, events } = transition(newJob(job.createdAt, 'manual'), observation, rules);

  const subjobIds = new Map<string, string>();
  for (const subjob of after.subjobs.values()) {
    const parentId = subjob.parentPath === null ? null : (subjobIds.get(subjob.parentPath) ?? null);
    const data = { ...subjobData(subjob, after), parentId };
    const { id } = await tx.subjob.upsert({
      where: { jobId_path: { jobId: job.id, path: subjob.path } },
      create: { ...data, id: uuidv7(), jobId: job.id },
      update: data,
      select: { id: true },
    });
    subjobIds.set(subjob.path, id);
  }
  const { outputs, streams } = fileData(job.id, after, subjobIds);
  await tx.job.update({
    where: { id: job.id },
    data: { ...jobData(after, seen.refs), historySequence: { increment: events.length }, outputs: { create: outputs } },
    select: { id: true },
  });
  if (streams.length > 0) await tx.stream.createMany({ data: streams });
  await tx.jobRef.createMany({
    data: seen.refs.map((ref) => ({ ref: refHash(ref), jobId: job.id })),
    skipDuplicates: true,
  });
  const eventRows = events.map((event, i) => eventData(event, observation, job.historySequence + i + 1));
  await tx.historyEvent.createMany({
    data: eventRows.map(({ subjobPath, ...event }) => ({
      ...event,
      jobId: job.id,
      subjobId: subjobPath === null ? null : (subjobIds.get(subjobPath) ?? null),
    })),
  });
  await tx.jobReceipt.upsert({
    where: { jobId_receiptId: { jobId: job.id, receiptId } },
    create: { jobId: job.id, receiptId, number: observation.number, askedAt: observation.askedAt },
    update: { number: observation.number, askedAt: observation.askedAt },
  });
}

async function takeObservations(tx: Transaction, id: bigint): Promise<Observation[]> {
  const pending = await tx.pendingReceipt.findUniqueOrThrow({ where: { id } });
  const receipt = await tx.receipt.findUniqueOrThrow({ where: { id: pending.receiptId } });
  const provenance = {
    via: 'poll',
    receiptId: receipt.id,
    number: Number(pending.number),
    askedAt: pending.askedAt ?? pending.receivedAt,
    receivedAt: pending.receivedAt,
  } as const;
  const { api, asked } = receipt;
  const body = Buffer.from(receipt.body);
  const meanings = interpret({ via: 'poll', api, asked, body });
  return meanings.map((meaning): Observation => {
    if (meaning.kind !== 'speaks') throw new Error(`the receipt ${receipt.id} says nothing`);
    return { ...provenance, kind: 'evidence', seen: meaning.seen };
  });
}

function jobData(job: JobState, refs: string[]) {
  const columns = jobColumns(job);
  const { facts } = job;
  return {
    status: columns.status,
    vendorStatus: columns.vendor_status,
    confirmed: columns.confirmed,
    outcomeKnown: columns.outcome_known,
    contradicted: columns.contradicted,
    via: columns.via,
    progress: columns.progress,
    name: columns.name,
    pipelineId: columns.pipeline_id,
    templateId: columns.template_id,
    errorCode: columns.error_code,
    errorMessage: columns.error_message,
    vendorErrorCode: columns.vendor_error_code,
    vendorErrorMessage: columns.vendor_error_message,
    userData: columns.user_data ?? Prisma.DbNull,
    userDataRaw: columns.user_data_raw,
    vendorCreatedAt: facts.vendorCreatedAt,
    vendorModifiedAt: facts.vendorModifiedAt,
    vendorFinishedAt: facts.vendorFinishedAt,
    updatedAt: new Date(),
    terminalAt: new Date(),
    nextPollAt: null,
    pollFailures: 0,
    basis: { ...columns.basis, refsDigest: digestOf([...refs].sort()) },
    documentReceiptId: job.document?.receiptId ?? null,
  };
}

function subjobData(
  subjob: JobState['subjobs'] extends ReadonlyMap<string, infer Subjob> ? Subjob : never,
  job: JobState,
) {
  const columns = subjobColumns(subjob, job.basis.partsRank ?? []);
  return {
    path: columns.path,
    kind: columns.kind,
    position: columns.position,
    status: columns.status,
    vendorStatus: columns.vendor_status,
    vendorSubjobId: columns.vendor_subjob_id,
    name: columns.name,
    errorCode: columns.error_code,
    errorMessage: columns.error_message,
    vendorErrorCode: columns.vendor_error_code,
    vendorErrorMessage: columns.vendor_error_message,
    vendorCreatedAt: columns.vendor_created_at,
    vendorFinishedAt: columns.vendor_finished_at,
    basis: columns.basis,
  };
}

function fileData(jobId: string, job: JobState, subjobIds: Map<string, string>) {
  const files = visibleFiles(job).flatMap(({ slot, subjobPath, file: { output } }) =>
    output ? [{ id: outputId(jobId, slot), slot, subjobId: subjobIds.get(subjobPath ?? '') ?? null, output }] : [],
  );
  const outputs = files.map(({ output, ...place }) => {
    const columns = outputColumns(output);
    return {
      ...place,
      url: columns.url,
      mediaId: columns.media_id,
      format: columns.format,
      durationMs: columns.duration_ms,
      sizeBytes: columns.size_bytes,
      bitrateBps: columns.bitrate_bps,
      width: columns.width,
      height: columns.height,
    };
  });
  const streams = files.flatMap(({ id, output }) =>
    output.streams.map((stream, position) => {
      const columns = streamRow({ output_id: id, job_id: jobId, position }, stream);
      return {
        outputId: id,
        position,
        jobId,
        type: columns.type,
        index: columns.index,
        codec: columns.codec,
        profile: columns.profile,
        width: columns.width,
        height: columns.height,
        fps: columns.fps,
        durationMs: columns.duration_ms,
        bitrateBps: columns.bitrate_bps,
        pixelFormat: columns.pixel_format,
        rotateDegrees: columns.rotate_degrees,
        frames: columns.frames,
        sampleFormat: columns.sample_format,
        sampleRateHz: columns.sample_rate_hz,
        channels: columns.channels,
        channelLayout: columns.channel_layout,
        language: columns.language,
        raw: columns.raw ?? Prisma.JsonNull,
      };
    }),
  );
  return { outputs, streams };
}

function eventData(event: JobEvent, { via, seen, receiptId }: Observation, sequence: number) {
  return {
    sequence,
    recordedAt: new Date(),
    kind: event.kind,
    subjobPath: event.subjobPath,
    from: event.from,
    to: event.to,
    via,
    vendorAt: seen.occurredAt,
    receiptId,
    detail: event.detail ?? Prisma.DbNull,
  };
}
