import type { Draw } from '../draw.js';

export type MediaFile = { name: string; url: string; media: string; format: 'mp4' | 'hls,applehttp' };

const LADDER = [
  { width: 640, height: 360, kbps: 500 },
  { width: 848, height: 478, kbps: 890 },
  { width: 1280, height: 720, kbps: 1_900 },
  { width: 1920, height: 1080, kbps: 4_200 },
  // Upright, as batches of short videos are.
  { width: 1080, height: 1920, kbps: 4_000 },
] as const;

/**
 * OutFileMeta of one finished output (sheet section 5.4). Every value is a string, and the two stream lists spell the same
 * idea differently: `Bit_rate` beside `Bitrate`, `Codec_name` beside `CodecName`, `Time_base` beside `Timebase`.
 */
export function outFileMeta(draw: Draw, file: MediaFile) {
  const size = draw.pick(LADDER);
  const seconds = draw.between(8, 900);
  const fps = draw.pick([24, 25, 29.97, 30, 50]);
  const videoKbps = size.kbps * draw.between(0.7, 1.2);
  const audioKbps = draw.pick([64, 96, 128]) + draw.next();
  const startTime = draw.between(0, 1.5).toFixed(6);
  const silent = draw.happens(0.05);
  const soundOnly = !silent && draw.happens(0.05);
  const kbps = (soundOnly ? 0 : videoKbps) + (silent ? 0 : audioKbps);

  return {
    VideoStreamInfoList: soundOnly
      ? []
      : [
          {
            Rotate: '0',
            Codec_tag: '0x001b',
            Sar: '1:1',
            Start_time: startTime,
            Fps: rate(fps),
            Index: '0',
            Duration: seconds.toFixed(6),
            Lang: 'cn',
            Codec_long_name: 'H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10',
            PixFmt: 'yuv420p',
            Bit_rate: videoKbps.toFixed(3),
            Profile: 'High',
            Has_b_frames: '2',
            Codec_time_base: `1/${Math.round(fps * 2)}`,
            Dar: size.width > size.height ? '16:9' : '9:16',
            Avg_fps: rate(fps),
            Codec_tag_string: '[27][0][0][0]',
            Codec_name: 'h264',
            Height: String(size.height),
            Level: '31',
            Time_base: '1/90000',
            Width: String(size.width),
            NumFrames: String(Math.round(seconds * fps)),
          },
        ],
    AudioStreamInfoList: silent
      ? []
      : [
          {
            CodecTag: '0x000f',
            CodecTimeBase: '1/44100',
            ChannelLayout: 'stereo',
            StartTime: startTime,
            Index: soundOnly ? '0' : '1',
            Duration: seconds.toFixed(6),
            Lang: 'cn',
            SampleFmt: 'fltp',
            CodecName: 'aac',
            Bitrate: audioKbps.toFixed(3),
            Channels: '2',
            Timebase: '1/90000',
            CodecTagString: '[15][0][0][0]',
            SampleRate: '44100',
            CodecLongName: 'AAC (Advanced Audio Coding)',
          },
        ],
    FileBasicInfo: {
      FileUrl: file.url,
      FileStatus: 'Normal',
      MediaId: draw.hex(32),
      FileType: 'transcode_file',
      FileName: file.name,
      Region: 'cn-shanghai',
      FormatName: file.format === 'mp4' ? 'mov,mp4,m4a,3gp,3g2,mj2' : file.format,
      Duration: seconds.toFixed(6),
      ...(!soundOnly && { Height: String(size.height), Width: String(size.width) }),
      Bitrate: kbps.toFixed(3),
      FileSize: String(Math.round((kbps * 1000 * seconds) / 8)),
    },
  };
}

function rate(fps: number): string {
  return Number.isInteger(fps) ? `${fps}.0` : String(fps);
}
