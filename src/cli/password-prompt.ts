import { ConnectionError } from './connection.ts';

/** Asks for a password on the terminal without showing it. From a pipe its first line is taken. */
export function askPassword(): Promise<string> {
  const { stdin } = process;
  process.stderr.write('Password: ');
  return new Promise((resolve, reject) => {
    let text = '';
    const isTerminal = stdin.isTTY === true;
    if (isTerminal) stdin.setRawMode(true);
    const end = (settle: () => void) => {
      stdin.off('data', onData).off('end', onEnd).pause();
      if (isTerminal) stdin.setRawMode(false);
      process.stderr.write('\n');
      settle();
    };
    const onEnd = () => end(() => resolve(text));
    const onData = (chunk: Buffer) => {
      const typed = chunk.toString('utf8');
      for (const [at, char] of [...typed].entries()) {
        if (char === '\r' || char === '\n') {
          const rest = [...typed].slice(at + 1).join('');
          end(() => resolve(text));
          if (rest !== '') stdin.unshift(Buffer.from(rest));
          return;
        }
        if (char === '\x03' || (char === '\x04' && text === '')) {
          end(() => reject(new ConnectionError('No password was given.')));
          return;
        }
        if (isTerminal && (char === '\x7f' || char === '\b')) text = [...text].slice(0, -1).join('');
        else if (isTerminal && char === '\x15') text = '';
        else text += char;
      }
    };
    stdin.on('data', onData).on('end', onEnd);
  });
}
