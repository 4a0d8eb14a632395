import type { ValueReader } from '../../base/msgpack-reader.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import {
  ADDRESS_BYTES_MAX,
  COPIES_MAX,
  LEASE_MS_MAX,
  LEASE_MS_MIN,
  PARTITIONS_MAX,
  WEIGHT_MAX,
  WEIGHT_MIN,
  ZONE_BYTES_MAX,
} from '../limits.ts';
import type { ClusterSettings, NodeEndpoints } from './cluster-state.ts';
import type { SettingsTargets } from './settings.ts';

/** How what commands and the state have in common is written. */

const lossPolicies = ['offline', 'reset'] as const;

export function writeSettings(writer: ValueWriter, settings: ClusterSettings): void {
  writer.array(5);
  writer.integer(settings.partitions);
  writer.integer(settings.leaseMs);
  writeTargets(writer, settings);
}

export function readSettings(reader: ValueReader): ClusterSettings {
  reader.array('settings', 5, 5);
  return {
    partitions: reader.integer('partitions', 1, PARTITIONS_MAX),
    leaseMs: reader.integer('leaseMs', LEASE_MS_MIN, LEASE_MS_MAX),
    ...readTargets(reader),
  };
}

/** The settings that can be changed. */
export function writeTargets(writer: ValueWriter, targets: SettingsTargets): void {
  writer.integer(targets.copies);
  writer.integer(targets.minInSync);
  writer.integer(targets.onLoss === 'offline' ? 0 : 1);
}

export function readTargets(reader: ValueReader): SettingsTargets {
  return {
    copies: reader.integer('copies', 1, COPIES_MAX),
    minInSync: reader.integer('minInSync', 1, COPIES_MAX),
    onLoss: reader.oneOf('onLoss', lossPolicies),
  };
}

export function readPartition(reader: ValueReader): number {
  return reader.integer('partition', 0, PARTITIONS_MAX - 1);
}

export function readAddress(reader: ValueReader): string {
  return reader.string('address', ADDRESS_BYTES_MAX);
}

export function writeEndpoints(writer: ValueWriter, { tcp, http, link }: NodeEndpoints): void {
  writer.array(3);
  writer.string(tcp);
  writer.string(http);
  writer.string(link);
}

export function readEndpoints(reader: ValueReader): NodeEndpoints {
  reader.array('endpoints', 3, 3);
  return {
    tcp: reader.string('tcp', ADDRESS_BYTES_MAX),
    http: reader.string('http', ADDRESS_BYTES_MAX),
    link: reader.string('link', ADDRESS_BYTES_MAX),
  };
}

export function writeWeight(writer: ValueWriter, weight: number): void {
  writer.double(weight);
}

export function readWeight(reader: ValueReader): number {
  const weight = reader.double('weight');
  if (weight < WEIGHT_MIN || weight > WEIGHT_MAX) reader.fail('weight', `must be ${WEIGHT_MIN} to ${WEIGHT_MAX}`);
  return weight;
}

export function writeZone(writer: ValueWriter, zone: string | null): void {
  if (zone === null) writer.nil();
  else writer.string(zone);
}

export function readZone(reader: ValueReader): string | null {
  return reader.nil('zone') ? null : reader.string('zone', ZONE_BYTES_MAX);
}
