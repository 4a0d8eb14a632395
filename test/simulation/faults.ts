import { type Moment, moments } from './ambush.ts';
import { type FaultKind, faultKinds } from './fault-kinds.ts';
import { NetworkFaults } from './network-faults.ts';
import { type Profile, profiles } from './profiles.ts';
import { SeededRandom } from './random.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { traced } from './trace.ts';
import { Troubles } from './troubles.ts';
import type { World } from './world.ts';

const NODES_MAX = 9;
const randomStream = 3;

/** Draws faults by the run's profile, injects them, and takes them back after a while. */
export class FaultInjector {
  readonly counts: Partial<Record<FaultKind, number>> = {};
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #profile: Profile;
  readonly #kinds: readonly (readonly [FaultKind, number])[];
  #isOn = true;
  readonly #troubles: Troubles;
  readonly #links: NetworkFaults;

  constructor(world: World) {
    this.#world = world;
    this.#random = new SeededRandom(world.seed, randomStream);
    this.#troubles = new Troubles(world.schedule, world.trace);
    this.#links = new NetworkFaults(world, this.#random, this.#troubles);
    this.#profile = profiles[world.plan.profile];
    this.#kinds = Object.entries(this.#profile.weights) as [FaultKind, number][];
  }

  begin(): void {
    this.#planNext();
  }

  /** No more faults; those in force are taken back, all that is down starts. */
  heal(): void {
    this.#isOn = false;
    this.#world.onStepped = null;
    this.#troubles.end();
    const { network, nodes, disks, ended, gone } = this.#world;
    network.healAll(this.#world.plan.healed);
    for (const disk of disks.values()) {
      disk.isFull = false;
      disk.quality = this.#world.plan.disk;
    }
    ended.length = 0;
    this.#leaveOneBehind();
    for (const node of nodes) {
      node.resume();
      if (!gone.has(node.id)) node.start();
    }
  }

  /** Sometimes only a core is healed: one node never comes back, or is cut off for ever, and is given up. */
  #leaveOneBehind(): void {
    const { present, administrator, gone } = this.#world;
    const isPossible = !this.#profile.isSpaced && present.length > 3 && !administrator.isBusy && this.#everyoneAgrees();
    if (!isPossible || !this.#random.chance(0.25)) return;
    const node = this.#random.pick(present);
    this.#say('leave-behind', node.id);
    this.#count('leave-behind');
    if (this.#random.chance(0.5)) node.crash('killed for good');
    else this.#links.isolateForEver(node);
    gone.add(node.id);
    administrator.giveUp(node.id);
  }

  #planNext(): void {
    this.#world.schedule.after(this.#random.exponential(this.#profile.faultEveryMs), () => {
      if (!this.#isOn) return;
      this.#restartEnded();
      const isFree = !this.#profile.isSpaced || (this.#calm() && this.#world.whatIsMissing() === null);
      if (isFree) this.#inject();
      this.#planNext();
    });
  }

  #calm(): boolean {
    return this.#troubles.nodes === 0 && this.#troubles.general === 0 && !this.#world.administrator.isBusy;
  }

  #inject(): void {
    let dice = this.#random.fraction() * this.#kinds.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [kind, weight] of this.#kinds) {
      dice -= weight;
      if (dice >= 0) continue;
      if (this.#apply(kind)) this.#count(kind);
      return;
    }
  }

  #count(kind: FaultKind): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    const { trace, nowMs } = this.#world;
    trace.event(nowMs, traced.fault, Object.keys(faultKinds).indexOf(kind));
  }

  /** False when it could not be done now. */
  #apply(kind: FaultKind): boolean {
    const world = this.#world;
    switch (kind) {
      case 'crash':
        return this.#onNode(kind, this.#anyNode(), (node) => this.#crash(node, this.#downMs()));
      case 'crash-leader':
        return this.#onNode(kind, world.leader, (node) => this.#crash(node, this.#downMs()));
      case 'crash-primary':
        return this.#onNode(kind, this.#primary(), (node) => this.#crash(node, this.#downMs()));
      case 'crash-all':
        this.#say(kind, '');
        for (const node of world.running) this.#crash(node, this.#downMs());
        return true;
      case 'strand':
        return this.#strand();
      case 'ambush':
        return this.#ambush();
      case 'pause':
        return this.#onNode(kind, this.#anyNode(), (node) => this.#pause(node, this.#random.logBetween(20, 4000)));
      case 'pause-leader':
        return this.#onNode(kind, world.leader, (node) => this.#pause(node, this.#random.logBetween(100, 3000)));
      case 'pause-primary':
        return this.#onNode(kind, this.#primary(), (node) => this.#pause(node, this.#random.between(400, 1400)));
      case 'isolate':
        return this.#onNode(kind, this.#anyNode(), (node) => this.#links.isolate(node));
      case 'isolate-leader':
        return this.#onNode(kind, world.leader, (node) => this.#links.isolate(node));
      case 'split':
        return this.#links.split();
      case 'one-way':
        return this.#onNode(kind, this.#anyNode(), (node) => this.#links.oneWay(node));
      case 'cut-link':
        return this.#links.cutLink();
      case 'flap':
        return this.#links.flap();
      case 'clog':
        return this.#links.clog();
      case 'degrade':
        return this.#links.degrade();
      case 'lose-data':
        return this.#loseData();
      case 'disk-slow':
        return this.#slowDisk();
      case 'disk-full':
        return this.#onNode(kind, this.#anyNode(), (node) => this.#fillDisk(node));
      case 'disk-damage':
        return this.#damageDisk();
      case 'join':
        return this.#join();
      case 'drain':
        return this.#drain();
      case 'leave-behind':
        // Only at the end, see `heal`.
        return false;
      case 'stop':
        return this.#onNode(kind, this.#anyNode(), (node) => this.#stop(node));
      case 'transfer':
        return this.#transfer();
      case 'settings':
        return this.#changeSettings();
      case 'flood':
        return this.#flood();
    }
  }

  #say(kind: FaultKind, detail: string): void {
    const { trace, nowMs } = this.#world;
    trace.say(nowMs, '!!!', () => `${kind} ${detail}`);
  }

  #anyNode(): SimulatedNode | undefined {
    const healthy = this.#world.running.filter((node) => !node.isPaused);
    return healthy.length === 0 ? undefined : this.#random.pick(healthy);
  }

  #primary(): SimulatedNode | undefined {
    const primaries = this.#world.newestState.partitions.flatMap(({ primary }) => (primary === null ? [] : [primary]));
    if (primaries.length === 0) return undefined;
    return this.#world.nodeOf(this.#random.pick(primaries));
  }

  #downMs(): number {
    return this.#random.chance(0.3) ? this.#random.exponential(30) : this.#random.exponential(1500);
  }

  /** Does it unless too many nodes are in trouble already. */
  #onNode(kind: FaultKind, node: SimulatedNode | undefined, run: (node: SimulatedNode) => void): boolean {
    if (node === undefined || !node.isRunning) return false;
    const { present } = this.#world;
    const isOneMore = !this.#troubles.isTroubled(node.id);
    if (isOneMore && this.#troubles.nodes + 1 > Math.max(1, present.length * this.#profile.downShareMax)) return false;
    this.#say(kind, node.id);
    run(node);
    return true;
  }

  /** What the primary writes in between, one of its replicas has and another has not. */
  #strand(): boolean {
    const random = this.#random;
    const primary = this.#links.cutOffReplica();
    if (primary === null) return false;
    this.#world.schedule.after(random.logBetween(10, 300), () => {
      if (!this.#isOn) return;
      this.#onNode('strand', this.#world.nodeOf(primary), (node) => {
        if (random.chance(0.5)) this.#crash(node, this.#downMs());
        else this.#links.isolate(node);
      });
    });
    return true;
  }

  /** Waits for some node's moment, and strikes then. */
  #ambush(): boolean {
    if (this.#world.onStepped !== null) return false;
    const random = this.#random;
    const moment = random.pick(Object.keys(moments) as Moment[]);
    const strike = random.pick(['crash', 'crash', 'pause', 'isolate', 'one-way'] as const);
    const nth = random.pick([1, 1, 2, 3, 6]);
    let seen = 0;
    this.#say('ambush', `for who ${moment}: ${strike}`);
    this.#world.onStepped = (node) => {
      if (!moments[moment](node) || ++seen < nth) return;
      this.#world.onStepped = null;
      this.#world.schedule.after(random.chance(0.5) ? 0 : random.exponential(1), () => {
        if (!this.#isOn) return;
        this.#onNode('ambush', node, () => {
          if (strike === 'crash') this.#crash(node, this.#downMs());
          else if (strike === 'pause') this.#pause(node, random.logBetween(50, 2000));
          else if (strike === 'isolate') this.#links.isolate(node);
          else this.#links.oneWay(node);
        });
      });
    };
    return true;
  }

  #crash(node: SimulatedNode, forMs: number): void {
    node.crash('killed');
    this.#troubles.ofNode(`crash ${node.id}`, node.id, forMs, () => this.#restart(node));
  }

  #stop(node: SimulatedNode): void {
    const { id, boot } = node;
    const handOverMs = this.#random.exponential(600);
    const farewellMs = this.#random.exponential(40);
    const downMs = this.#downMs();
    const isSame = () => node.isRunning && node.boot === boot;
    node.submit({ type: 'stop', node: id, boot, isOver: false });
    this.#world.schedule.after(handOverMs, () => {
      if (!isSame()) return;
      if (!this.#isOn) {
        node.submit({ type: 'resume', node: id, boot });
        return;
      }
      node.act((core) => core.coordinator.leave());
      node.submit({ type: 'stop', node: id, boot, isOver: true });
      this.#world.schedule.after(farewellMs, () => {
        if (!isSame()) return;
        node.crash('ended');
        if (!this.#isOn) this.#restart(node);
      });
    });
    this.#troubles.ofNode(`stop ${id}`, id, handOverMs + farewellMs + downMs, () => this.#restart(node));
  }

  #restart(node: SimulatedNode): void {
    if (!this.#world.gone.has(node.id)) node.start();
  }

  /** Processes that stopped since their disk was full. */
  #restartEnded(): void {
    const { ended, disks, nodeOf } = this.#world;
    for (const id of ended.splice(0)) {
      const node = nodeOf.call(this.#world, id);
      if (node === undefined) continue;
      if (disks.get(id)?.isFull === true) ended.push(id);
      else this.#restart(node);
    }
  }

  #pause(node: SimulatedNode, forMs: number): void {
    node.pause();
    const { boot } = node;
    this.#troubles.ofNode(`pause ${node.id}`, node.id, forMs, () => {
      if (node.boot === boot) node.resume();
    });
  }

  #loseData(): boolean {
    const partition = this.#random.integer(0, this.#world.plan.settings.partitions - 1);
    return this.#onNode('lose-data', this.#anyNode(), (node) => {
      this.#say('lose-data', `${node.id} partition ${partition}`);
      node.loseData(partition);
      this.#troubles.ofNode(`lose-data ${node.id} partition ${partition}`, node.id, 50, () => {});
    });
  }

  #slowDisk(): boolean {
    const node = this.#anyNode();
    const disk = node && this.#world.disks.get(node.id);
    if (node === undefined || disk === undefined) return false;
    this.#say('disk-slow', node.id);
    disk.quality = { syncMinMs: 1, syncMeanMs: this.#random.logBetween(10, 300) };
    this.#troubles.ofAll(`disk-slow ${node.id}`, this.#random.exponential(2000), () => {
      disk.quality = this.#world.plan.disk;
    });
    return true;
  }

  #fillDisk(node: SimulatedNode): void {
    const disk = this.#world.disks.get(node.id);
    if (disk === undefined) return;
    disk.isFull = true;
    this.#troubles.ofNode(`disk-full ${node.id}`, node.id, this.#random.exponential(1500), () => {
      disk.isFull = false;
    });
  }

  #damageDisk(): boolean {
    const { present } = this.#world;
    // So many must stay that a majority of the group is never gone for good.
    if (present.length <= 3 || this.#world.administrator.isBusy || !this.#everyoneAgrees()) return false;
    return this.#onNode('disk-damage', this.#anyNode(), (node) => {
      node.crash('killed, its disk damaged');
      this.#world.disks.get(node.id)?.flipBit();
      this.#troubles.ofNode(`disk-damage ${node.id}`, node.id, this.#downMs(), () => this.#restart(node));
    });
  }

  #join(): boolean {
    const { nodes, present } = this.#world;
    if (present.length >= NODES_MAX || nodes.length >= 2 * NODES_MAX) return false;
    const former = this.#world.nodes.filter(({ id, isRunning }) => this.#world.expelled.has(id) && !isRunning);
    if (former.length > 0 && this.#random.chance(0.6)) {
      const { id } = this.#random.pick(former);
      this.#say('join', `${id}, which had left`);
      this.#world.comeBack(id);
    } else {
      this.#say('join', '');
      this.#world.join();
    }
    return true;
  }

  #drain(): boolean {
    const { present, administrator, newestState } = this.#world;
    const staying = present.filter(({ id }) => !administrator.isLeaving(id));
    if (staying.length <= 3 || administrator.isBusy || newestState.settings === null || !this.#everyoneAgrees()) {
      return false;
    }
    const { id } = this.#random.pick(staying);
    this.#say('drain', id);
    administrator.drain(id);
    return true;
  }

  /** All who are to be nodes are, and nobody else votes: no majority is lost by taking one away. */
  #everyoneAgrees(): boolean {
    const { newestState, present, gone, leader } = this.#world;
    const voters = leader?.node?.coordinator.raft.membership.voters;
    if (voters === undefined || voters.length < 3 || voters.some((id) => gone.has(id))) return false;
    return present.every(({ id, isRunning }) => isRunning && newestState.nodes.has(id));
  }

  #transfer(): boolean {
    const { leader, present } = this.#world;
    const others = present.filter((node) => node.isRunning && node !== leader);
    if (leader === undefined || others.length === 0) return false;
    const to = this.#random.pick(others).id;
    this.#say('transfer', `${leader.id} to ${to}`);
    leader.act((core, nowMs) => core.coordinator.transferLeadership(to, nowMs));
    return true;
  }

  #changeSettings(): boolean {
    const { administrator, plan } = this.#world;
    if (administrator.isBusy) return false;
    const copies = this.#random.integer(this.#profile.isSpaced ? 2 : 1, 3);
    const minInSync = copies > 1 && this.#random.chance(0.4) ? 2 : 1;
    this.#say('settings', `${copies} copies, ${minInSync} in sync`);
    administrator.change({ copies, minInSync, onLoss: plan.settings.onLoss });
    return true;
  }

  #flood(): boolean {
    const { clients, plan } = this.#world;
    if (clients.length > plan.clients) return false;
    this.#say('flood', '');
    const crowd = Array.from({ length: 12 }, () => this.#world.addClient({ ...plan.habits, thinkMeanMs: 0.5 }));
    for (const client of crowd) client.start();
    this.#world.schedule.after(this.#random.between(100, 400), () => {
      for (const client of crowd) client.stop();
      this.#say('flood', 'is over');
    });
    return true;
  }
}
