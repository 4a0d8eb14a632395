import { encodeRequest } from '../../../src/protocol/resp/request-encoder.ts';
import { latin1 } from '../../resp-decoding.ts';
import { RawConnection } from './raw-connection.ts';

/** A well-behaved client beside the bad ones. */
export class Bystander {
  readonly #connection: RawConnection;
  #count = 0;

  private constructor(connection: RawConnection) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<Bystander> {
    const bystander = new Bystander(await RawConnection.to(port));
    await bystander.works();
    return bystander;
  }

  /** Writes one more entry and reads all that it wrote. Throws when one is not there. */
  async works(): Promise<void> {
    const mine = `bystander:${this.#connection.socket.localPort}:`;
    const number = this.#count++;
    const written = `${mine}${number} \0\r\n`;
    const reads = Array.from({ length: number + 1 }, (_, index) => encodeRequest(['GET', `${mine}${index}`]));
    const requests = [encodeRequest(['SET', `${mine}${number}`, written]), ...reads];
    const answers = Array.from({ length: number + 1 }, (_, index) => {
      const value = `${mine}${index} \0\r\n`;
      return `$${value.length}\r\n${value}\r\n`;
    });
    const expected = `+OK\r\n${answers.join('')}`;
    const answer = await this.#connection.exchange(Buffer.concat(requests), expected);
    if (answer !== expected) throw new Error(`the bystander was answered ${JSON.stringify(answer)}`);
  }
}

/** A command as clients send it. */
export function words(...list: readonly (string | number)[]): string {
  return Buffer.from(encodeRequest(list.map((word) => (typeof word === 'string' ? latin1(word) : word)))).toString(
    'latin1',
  );
}
