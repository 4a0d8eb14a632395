import { promises as dns } from 'node:dns';
import type { HostPort, Seed } from './bus-address.ts';

/** What is asked of the domain name system. */
export interface NameService {
  /** All addresses of a host; the host itself when it is one. */
  addresses(host: string): Promise<readonly string[]>;
  services(name: string): Promise<readonly HostPort[]>;
}

export const systemNames: NameService = {
  async addresses(host) {
    const found = await dns.lookup(host, { all: true, verbatim: true });
    return found.map(({ address }) => address);
  },
  async services(name) {
    const found = await dns.resolveSrv(name);
    return found.map(({ name: host, port }) => ({ host, port }));
  },
};

/** The addresses that a seed stands for now. Rejects when its name is not known. */
export async function resolveSeed(seed: Seed, names: NameService): Promise<HostPort[]> {
  if (seed.kind === 'host') return await endpoints(seed, names);
  const services = await names.services(seed.name);
  const found = await Promise.allSettled(services.map((service) => endpoints(service, names)));
  const known = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  if (known.length === 0) throw new Error(`none of the ${services.length} hosts of ${seed.name} has an address`);
  return known;
}

async function endpoints({ host, port }: HostPort, names: NameService): Promise<HostPort[]> {
  const addresses = await names.addresses(host);
  return addresses.map((address) => ({ host: address, port }));
}
