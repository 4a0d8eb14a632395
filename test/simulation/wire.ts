import type { ClusterMessage } from '../../src/cluster/cluster-message.ts';
import { encodeFrame, FrameDecoder, FrameError } from '../../src/cluster/transport/frame.ts';
import { decodeMessage, encodeMessage } from '../../src/cluster/transport/message-codec.ts';

const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/** The bytes of a message as a socket would carry them. */
export function frameOf(message: ClusterMessage): Uint8Array {
  return encodeFrame(encodeMessage(message));
}

/** Null: the frame is damaged. A frame that is whole but makes no sense is a defect of the codec, which throws. */
export function messageOf(frame: Uint8Array): ClusterMessage | null {
  let message: ClusterMessage | null = null;
  try {
    new FrameDecoder(FRAME_BYTES_MAX).push(frame, (payload) => {
      message = decodeMessage(payload);
    });
  } catch (error) {
    if (error instanceof FrameError) return null;
    throw error;
  }
  return message;
}
