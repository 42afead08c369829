import { describeStoreFaults } from './store-faults.contract.ts';
import { etcdWorld } from './store-world.ts';
import { describeStore } from './store.contract.ts';

describeStore('etcd', etcdWorld);
describeStoreFaults('etcd', etcdWorld);
