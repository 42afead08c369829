// @ts-nocheck -- the packages have types of many ages or none
/**
 * One Eureka client of npm, unmodified, as a program: `client.mjs PACKAGE JSON`. Commands on stdin, one a line: `list VIP`, `stop`; answers on
 * stdout, one JSON value a line.
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const load = createRequire(import.meta.url);
const [name, json] = process.argv.slice(2);
const { app, id, ip, port, servers } = JSON.parse(json);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const silent = { warn() {}, info() {}, debug() {}, error() {} };
const brief = (instances) => instances.map((one) => `${one.ipAddr}:${one.port.$}`);

const instance = {
  app,
  instanceId: id,
  hostName: ip,
  ipAddr: ip,
  port: { $: port, '@enabled': true },
  vipAddress: app,
  leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 2 },
  dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
};
const eureka = {
  serviceUrls: { default: servers.map((url) => `${url}/eureka/v2/apps/`) },
  heartbeatInterval: 300,
  registryFetchInterval: 200,
  maxRetries: 4,
  requestRetryDelay: 50,
};

/** eureka-js-client and its heirs. */
const ofEurekaJs = (client) => ({
  start: () => new Promise((resolve) => client.start(resolve)),
  list: async (vip) => brief(client.getInstancesByVipAddress(vip)),
  stop: () => new Promise((resolve) => client.stop(resolve)),
});

const CLIENTS = {
  '@rocketsoftware/eureka-js-client': () => {
    const { Eureka } = load(name);
    return ofEurekaJs(new Eureka({ instance, eureka, logger: silent }));
  },
  // This one fetches deltas.
  'eureka-js-client': () => {
    const { Eureka } = load(name);
    return ofEurekaJs(new Eureka({ instance, eureka, logger: silent, shouldUseDelta: true }));
  },
  'nestjs-eureka': () => {
    load('reflect-metadata');
    const { NestFactory } = load('@nestjs/core');
    const { Eureka } = load('eureka-js-client');
    const { EurekaModule } = load(name);
    let context;
    const service = { name: app, port, host: ip };
    const { leaseInfo } = instance;
    const options = { eureka, service, clientLogger: silent, instanceExtra: { instanceId: id, leaseInfo } };
    return {
      start: async () => {
        context = await NestFactory.createApplicationContext(EurekaModule.forRoot(options), {
          logger: false,
        });
      },
      list: async (vip) => brief(context.get(Eureka).getInstancesByVipAddress(vip.toLowerCase())),
      stop: () => context.close(),
    };
  },
  // It takes one server at random for each request, and cannot go on without one of them.
  'eureka-nodejs-client': () => {
    const client = load(name)({
      eureka: { serviceUrl: servers.slice(-1), pollIntervalSeconds: 1, registerWithEureka: true },
      instance: { ...instance, port },
      logger: silent,
    });
    return {
      start: async () => void client.start(),
      list: async (vip) => brief([await client.instance(vip)]),
      stop: async () => {
        client.stop();
        await client.delete();
      },
    };
  },
};

const client = CLIENTS[name]();
await client.start();
say('started');
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ');
  if (command === 'list') say(await client.list(argument).catch(() => []));
  if (command === 'stop') {
    await client.stop();
    say('stopped');
    process.exit(0);
  }
}
