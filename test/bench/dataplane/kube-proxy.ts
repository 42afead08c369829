/** Owns kube-proxy's layouts as contenders: its rules, written by the same programs as on its nodes. */
import { type Contender, must, nodeExec, type Serving, timed } from './contender.ts';
import {
  KUBE_PROXY_JUMPS,
  kubeProxyIptables,
  kubeProxyIptablesChunks,
  kubeProxyIptablesPartial,
} from './kube-proxy-iptables.ts';
import {
  kubeProxyNftablesAdd,
  kubeProxyNftablesBase,
  kubeProxyNftablesChange,
} from './kube-proxy-nftables.ts';
import { type BenchService, replaced } from './services.ts';

/** Most services that are loaded in one transaction where that grows with the square of their number. */
const MOST_AT_ONCE = 1000;
const SERVICES_A_CHUNK = 250;
const TIMEOUT_MS = 240_000;

/** State of a contender without weights: its services as they are, by number. */
class Current {
  #services: readonly BenchService[];

  constructor(services: readonly BenchService[]) {
    this.#services = services;
  }

  get all(): readonly BenchService[] {
    return this.#services;
  }

  /** Replaces an instance of each. */
  replace(
    ats: readonly number[],
    n: number,
  ): { readonly now: readonly BenchService[]; readonly before: readonly BenchService[] } {
    const wanted = new Set(ats);
    const before = this.#services.filter((_, at) => wanted.has(at));
    this.#services = this.#services.map((service, at) => (wanted.has(at) ? replaced(service, n) : service));
    return { now: this.#services.filter((_, at) => wanted.has(at)), before };
  }

  add(service: BenchService): void {
    this.#services = [...this.#services, service];
  }
}

/** kube-proxy's iptables mode on one of the two back ends. */
export function kubeProxyOnIptables(variant: 'nft' | 'legacy'): Contender {
  return async (lane, services): Promise<Serving> => {
    const { exec, peakOf } = nodeExec(lane);
    const restore = async (input: string): Promise<unknown> =>
      await must(
        exec(`iptables-${variant}-restore`, ['--noflush', '-w', '5'], { input, timeoutMs: TIMEOUT_MS }),
      );
    const isChunked = variant === 'nft' && services.length > MOST_AT_ONCE;
    const documents = isChunked ? kubeProxyIptablesChunks(services) : [kubeProxyIptables(services)];
    let ms = 0;
    const peakMb = await peakOf(async () => {
      ms = await timed(async () => {
        for (const text of documents) await restore(text);
        await restore(KUBE_PROXY_JUMPS);
      });
    });
    const current = new Current(services);
    const change = async (ats: readonly number[], n: number): Promise<number> => {
      const { now, before } = current.replace(ats, n);
      const text = kubeProxyIptablesPartial(current.all, now, before);
      return await timed(async () => await restore(text));
    };
    return {
      load: { ms, peakMb, note: isChunked ? `in ${documents.length} small transactions` : undefined },
      change: async (at, n) => await change([at], n),
      changeMany: change,
      add: async (service) => {
        current.add(service);
        const text = kubeProxyIptablesPartial(current.all, [service], []);
        return await timed(async () => await restore(text));
      },
      readBack: async () =>
        await timed(
          async () => await must(exec(`iptables-${variant}-save`, ['-t', 'nat'], { timeoutMs: TIMEOUT_MS })),
        ),
    };
  };
}

/** kube-proxy's nftables mode. */
export const kubeProxyOnNftables: Contender = async (lane, services): Promise<Serving> => {
  const { exec, peakOf } = nodeExec(lane);
  const nft = async (input: string): Promise<unknown> =>
    await must(exec('nft', ['-f', '-'], { input, timeoutMs: TIMEOUT_MS }));
  const isChunked = services.length > MOST_AT_ONCE;
  const chunks = Array.from({ length: Math.ceil(services.length / SERVICES_A_CHUNK) }, (_, at) =>
    kubeProxyNftablesAdd(services.slice(at * SERVICES_A_CHUNK, (at + 1) * SERVICES_A_CHUNK)),
  );
  const documents = isChunked
    ? [kubeProxyNftablesBase, ...chunks]
    : [kubeProxyNftablesBase + chunks.join('')];
  let ms = 0;
  const peakMb = await peakOf(async () => {
    ms = await timed(async () => {
      for (const text of documents) await nft(text);
    });
  });
  const current = new Current(services);
  const change = async (ats: readonly number[], n: number): Promise<number> => {
    const { now, before } = current.replace(ats, n);
    const text = kubeProxyNftablesChange(now, before);
    return await timed(async () => await nft(text));
  };
  return {
    load: { ms, peakMb, note: isChunked ? `in ${documents.length} small transactions` : undefined },
    change: async (at, n) => await change([at], n),
    changeMany: change,
    add: async (service) => {
      current.add(service);
      return await timed(async () => await nft(kubeProxyNftablesAdd([service])));
    },
    readBack: async () =>
      await timed(
        async () => await must(exec('nft', ['list', 'table', 'ip', 'kube-proxy'], { timeoutMs: TIMEOUT_MS })),
      ),
  };
};
