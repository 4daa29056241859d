/** The run's own services, started when the first test asks for them. */

import { inject } from 'vitest';
import { type Services, startServices } from '../../src/sandbox/services/services.ts';

let services: Promise<Services> | null = null;

/** The addresses; every file of a run gets the same ones. Nobody releases them but the run itself. */
export function runServices(): Promise<Services> {
  services ??= startServices({ directory: inject('servicesDirectory'), isThrowaway: true });
  return services;
}
