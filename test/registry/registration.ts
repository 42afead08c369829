/** Owns registrations for tests. */
import type { Registration } from '../../src/model/registration.ts';
import type { RegistrationRequest } from '../../src/registry/lifecycle.ts';

/** What an instance asks for when it registers. */
export function requestOf(fields: Partial<RegistrationRequest> = {}): RegistrationRequest {
  return {
    app: 'WEB',
    id: 'i-1',
    hostName: 'n1.example',
    ip: '10.0.1.11',
    port: { number: 8080, enabled: true },
    securePort: { number: 7002, enabled: false },
    status: 'UP',
    renewSeconds: 30,
    durationSeconds: 90,
    metadata: {},
    dataCenter: { name: 'MyOwn', className: 'Own', metadata: {} },
    words: {},
    dirtyMs: 0,
    ...fields,
  };
}

/** A registration. */
export function registrationOf(fields: Partial<Registration> = {}): Registration {
  return { ...requestOf(), registeredMs: 1, upMs: 1, updatedMs: 1, ...fields };
}
