import type { AlertKind, AlertMessage, MessageReason, Severity } from './alert-message.js';
import type { Language } from '../settings/receiver-settings.js';
import { LONGEST_SEARCHED } from './runs.js';

/** What a message says to a person: short plain text; each receiver puts it into its own form. */
export type MessageText = {
  /** The same for every message about an alert: a mail thread hangs on it. */
  subject: string;
  /** What happened, how often and where, in one line. */
  headline: string;
  lines: string[];
  /** A few of the jobs, each with its link. */
  samples: { text: string; url: string | null }[];
  /** Where to read on, and what it says there. */
  link: { text: string; url: string } | null;
  /** By what the alert, and repeats of this message, are known. */
  reference: string;
};

/** Long enough to tell, short enough for a telephone. */
const LONGEST_ERROR = 300;
const LONGEST_VALUE = 150;
const LONGEST_NAME = 80;

type Words = {
  kinds: Record<AlertKind, { one: string; many: string }>;
  reasons: Record<MessageReason, string>;
  severities: Record<Severity, string>;
  shared: Record<AlertMessage['shared'][number]['kind'], string>;
  test: string;
  testLine: string;
  error: string;
  rule: string;
  counts: (failures: number, jobs: number, from: string, to: string) => string;
  inCommon: string;
  times: (failures: number, of: number) => string;
  open: string;
  colon: string;
};

const ENGLISH: Words = {
  kinds: {
    'subjob-failed': { one: 'A subjob failed', many: '# subjobs failed' },
    'job-failed': { one: 'A job failed', many: '# jobs failed' },
    'job-partially-failed': { one: 'A job failed in part', many: '# jobs failed in part' },
    'job-lost': { one: 'The vendor lost a job', many: 'The vendor lost # jobs' },
    contradiction: {
      one: 'A callback and the vendor contradict each other',
      many: '# callbacks contradict the vendor',
    },
    'contract-changed': { one: 'The vendor’s answers changed', many: 'The vendor’s answers changed in # ways' },
    'failure-share': { one: 'Too many jobs fail', many: 'Too many jobs fail' },
    'job-late': { one: 'A job is late', many: '# jobs are late' },
    'callback-loss': { one: 'Callbacks are being lost', many: 'Callbacks are being lost' },
    'account-paused': { one: 'Polling is paused', many: 'Polling is paused' },
    'receipts-waiting': { one: 'Receipts wait to be applied', many: 'Receipts wait to be applied' },
  },
  reasons: {
    opened: '',
    grew: 'Growing',
    repeated: 'Still open',
    resolved: 'Resolved',
    reopened: 'Again',
    silence_expired: 'Silence over, still open',
    test: 'Test',
  },
  severities: { info: 'info', warning: 'warning', critical: 'critical' },
  shared: { clip: 'clip', media: 'media', bucket: 'bucket', host: 'host', url: 'input' },
  test: 'Test message of Callsheet',
  testLine: 'Somebody asked for it to see whether this receiver works. Nothing has failed.',
  error: 'Error',
  rule: 'Rule',
  counts: (failures, jobs, from, to) =>
    `${failures} ${failures === 1 ? 'failure' : 'failures'} in ${jobs} ${jobs === 1 ? 'job' : 'jobs'}, ` +
    (from === to ? `at ${to}` : `from ${from} to ${to}`),
  inCommon: 'In common',
  times: (failures, of) => `${failures} of ${of}`,
  open: 'Open the job',
  colon: ': ',
};

const CHINESE: Words = {
  kinds: {
    'subjob-failed': { one: '1 个子任务失败', many: '# 个子任务失败' },
    'job-failed': { one: '1 个任务失败', many: '# 个任务失败' },
    'job-partially-failed': { one: '1 个任务部分失败', many: '# 个任务部分失败' },
    'job-lost': { one: '云厂商查不到 1 个任务', many: '云厂商查不到 # 个任务' },
    contradiction: { one: '回调与查询结果矛盾', many: '# 个回调与查询结果矛盾' },
    'contract-changed': { one: '云厂商接口返回内容有变化', many: '云厂商接口返回内容有 # 处变化' },
    'failure-share': { one: '任务失败率过高', many: '任务失败率过高' },
    'job-late': { one: '1 个任务超时未完成', many: '# 个任务超时未完成' },
    'callback-loss': { one: '回调丢失', many: '回调丢失' },
    'account-paused': { one: '账号轮询已暂停', many: '账号轮询已暂停' },
    'receipts-waiting': { one: '回执积压未处理', many: '回执积压未处理' },
  },
  reasons: {
    opened: '',
    grew: '数量增加',
    repeated: '仍未恢复',
    resolved: '已恢复',
    reopened: '再次发生',
    silence_expired: '静默结束，仍未恢复',
    test: '测试',
  },
  severities: { info: '提示', warning: '警告', critical: '严重' },
  shared: { clip: '片段', media: '媒资', bucket: '存储桶', host: '主机', url: '输入' },
  test: 'Callsheet 测试消息',
  testLine: '这条消息用于检查该接收方是否可用，没有任务失败。',
  error: '错误',
  rule: '规则',
  counts: (failures, jobs, from, to) =>
    `${jobs} 个任务中共 ${failures} 次失败，${from === to ? `时间 ${to}` : `从 ${from} 到 ${to}`}`,
  inCommon: '共同点',
  times: (failures, of) => `${of} 次中的 ${failures} 次`,
  open: '查看任务',
  colon: '：',
};

const WORDS: Record<Language, Words> = { en: ENGLISH, zh: CHINESE };

/** A message in words. */
export function messageText(message: AlertMessage, language: Language): MessageText {
  const words = WORDS[language];
  const { alert, reason, sample, shared } = message;
  const { colon } = words;
  const reference = `Callsheet ${message.dedupKey}`;
  if (reason === 'test') {
    const link = alert.url === null ? null : { text: words.open, url: alert.url };
    return { subject: words.test, headline: words.test, lines: [words.testLine], samples: [], link, reference };
  }
  const where = [alert.account, alert.api, alert.template].filter((part) => part !== null).join(' · ');
  const severity = `[${words.severities[alert.severity]}]`;
  const kind = words.kinds[alert.kind];
  const what = alert.failures > 1 ? kind.many.replace('#', String(alert.failures)) : kind.one;
  const state = words.reasons[reason] === '' ? '' : `${words.reasons[reason]}${colon}`;
  const error = [alert.error?.code, alert.error?.message].filter(Boolean).join(colon);
  const lines = [
    ...(error === '' ? [] : [`${words.error}${colon}${clipped(error, LONGEST_ERROR)}`]),
    `${words.rule}${colon}${alert.rule} (${clipped(alert.reason, LONGEST_ERROR)})`,
    ...(alert.failures === 0
      ? []
      : [words.counts(alert.failures, alert.jobs, moment(alert.firstSeenAt), moment(alert.lastSeenAt))]),
    ...shared.map(({ kind, value, failures }) => {
      const times = words.times(failures, alert.failures);
      return `${words.inCommon}${colon}${words.shared[kind]} ${clipped(value, LONGEST_VALUE)} (${times})`;
    }),
  ];
  const samples = sample.map(({ name, vendorJobId, subjobPath, error, url }) => ({
    text: [clipped(name ?? vendorJobId, LONGEST_NAME), subjobPath, error && clipped(error, LONGEST_VALUE)]
      .filter(Boolean)
      .join(' · '),
    url,
  }));
  const url = alert.url ?? sample.find((job) => job.url !== null)?.url ?? null;
  return {
    subject: [severity, alert.rule, alert.account, alert.api, alert.template].filter((part) => part !== null).join(' '),
    headline: `${severity} ${state}${what}${where === '' ? '' : ` · ${where}`}`,
    lines,
    samples,
    link: url === null ? null : { text: words.open, url },
    reference,
  };
}

/** All of it as plain text. */
export function plainText({ headline, lines, samples, link, reference }: MessageText): string {
  const jobs = samples.map(({ text, url }) => (url === null ? `- ${text}` : `- ${text}\n  ${url}`));
  const known = samples.some(({ url }) => url !== null && url === link?.url);
  return [headline, ...lines, ...jobs, ...(link === null || known ? [] : [link.url]), reference].join('\n');
}

/** One line of so many characters at most, none of them cut in two. */
export function clipped(text: string, longest: number): string {
  const beginning = text.slice(0, LONGEST_SEARCHED);
  const line = beginning.replace(/\s+/g, ' ').trim();
  const characters = [...line];
  const isWhole = characters.length <= longest && beginning.length === text.length;
  return isWhole ? line : `${characters.slice(0, longest - 1).join('')}…`;
}

function moment(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
