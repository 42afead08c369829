/** Tests references of images. */
import { describe, expect, it } from 'vitest';
import { isImageReference } from '../../src/model/image.ts';

describe('a reference of an image', () => {
  it.each([
    'nginx',
    'nginx:1.27',
    'library/nginx',
    'docker.io/library/nginx:1.27-alpine',
    'localhost:5000/shop/cart_api:v1.2__3',
    'Registry.example.com/a/b',
    `quay.io/a/b@sha256:${'0'.repeat(64)}`,
    `quay.io/a/b:tag@sha256:${'0'.repeat(64)}`,
    'localhost/docker',
  ])('is %s', (text) => expect(isImageReference(text)).toBe(true));

  it.each([
    '',
    '-v',
    '--privileged',
    'a b',
    'a\n',
    'nginx:',
    ':1',
    'a//b',
    '../a',
    'a/./b',
    'dir:x',
    'dir:/x',
    'oci:x',
    'docker://nginx',
    'docker-archive:x.tar',
    'containers-storage:x',
    'Nginx',
    'a@sha256:00',
    `a@md5:${'0'.repeat(64)}`,
    'a'.repeat(256),
    '{service}',
  ])('is not %j', (text) => expect(isImageReference(text)).toBe(false));
});
