/** Owns catching the one error class in tests: anything else is a bug and is thrown on. */
import { SluiceError } from '../../src/errors.ts';

/** The SluiceError that `act` fails with. */
export async function failureOf(act: () => unknown): Promise<SluiceError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
