import { describeStoreFaults } from './store-faults.contract.ts';
import { apiWorld } from './store-world.ts';
import { describeStore } from './store.contract.ts';

describeStore('api', apiWorld);
describeStoreFaults('api', apiWorld);
