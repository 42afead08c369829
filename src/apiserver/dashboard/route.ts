/** Owns the route of the dashboard. The page holds nothing of the cluster, so anybody may have it; what it shows it asks for as its reader. */
import type { Route } from '../http/route.ts';
import { PAGE, PAGE_HEADERS } from './page.ts';

/** The route. */
export const DASHBOARD_ROUTE: Route = {
  method: 'GET',
  path: '/',
  query: [],
  isOpen: true,
  handle: async () =>
    Promise.resolve({ kind: 'text', text: PAGE, type: 'text/html; charset=utf-8', headers: PAGE_HEADERS }),
};
