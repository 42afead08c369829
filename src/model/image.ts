/** Owns what is an image's reference: [REGISTRY[:PORT]/]PATH[:TAG][@sha256:DIGEST]. Pure. */

/** Characters of a reference. */
const MAX_LENGTH = 255;

const PART = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*';
const HOST = '[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?';
const TAG = ':[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const REFERENCE = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*(?:${TAG})?(?:@sha256:[0-9a-f]{64})?$`);

/**
 * What podman takes for a place to load an image from instead of its name (containers-transports(5)): `dir:x` would be a folder of the node that
 * no list of images means.
 */
const TRANSPORTS =
  /^(?:containers-storage|dir|docker|docker-archive|docker-daemon|oci|oci-archive|ostree|sif|tarball):/;

/** True if the text is a reference, whatever a container runtime makes of it. */
export function isImageReference(text: string): boolean {
  return text.length <= MAX_LENGTH && REFERENCE.test(text) && !TRANSPORTS.test(text);
}
