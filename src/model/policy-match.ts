/** Owns patterns of a node's policy: paths, images, names of variables. Linear in the text, whatever the pattern. Pure. */

/** Variables that make programs load or run other code, and so go around the list of commands. Only a rule that names them allows them. */
const LOADERS =
  /^(?:LD_.*|GCONV_PATH|GLIBC_TUNABLES|LOCPATH|NLSPATH|MALLOC_TRACE|BASH_ENV|BASH_FUNC_.*|ENV|SHELLOPTS|BASHOPTS|PS4|IFS|NODE_OPTIONS|NODE_PATH|PYTHON(?:PATH|HOME|STARTUP|INSPECT)|PERL5(?:LIB|OPT|DB)|PERLLIB|RUBY(?:OPT|LIB)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|GIT_.*)$/;

/** `*` stands for any text; matched greedily part by part, without backtracking over more than one. */
function matchesText(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return pattern === text;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function matchesParts(pattern: string, text: string): boolean {
  const wanted = pattern.split('/');
  const parts = text.split('/');
  return wanted.length === parts.length && wanted.every((part, at) => matchesText(part, parts[at] ?? ''));
}

/** True if an absolute path fits; `*` stands for any text within one part of the path. A path with `.` or `..` fits nothing. */
export function matchesPath(pattern: string, path: string): boolean {
  const isPlain = path.split('/').every((part) => part !== '.' && part !== '..');
  return isPlain && matchesParts(pattern, path);
}

/** True if an image's reference fits; `*` stands for any text within one part. */
export function matchesImage(pattern: string, image: string): boolean {
  return matchesParts(pattern, image);
}

/** True if a variable may be set; `*` alone stands for all but those that make programs load other code. */
export function matchesEnvName(pattern: string, name: string): boolean {
  return matchesText(pattern, name) && (pattern !== '*' || !LOADERS.test(name));
}
