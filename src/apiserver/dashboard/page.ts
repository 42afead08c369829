/** Owns the dashboard's page: one text with its style and script in it, and the policy that lets nothing else run or load. */
import { createHash } from 'node:crypto';
import { FOLLOW_SCRIPT } from './follow-script.ts';
import { SHOW_SCRIPT } from './show-script.ts';
import { STYLE } from './style.ts';

/** The script, in a scope of its own. */
export const SCRIPT = `'use strict';\n(() => {${FOLLOW_SCRIPT}${SHOW_SCRIPT}})();\n`;

/** The page. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Sluice</h1>
<span id="state" role="status">connecting</span>
<span id="leader"></span>
<span id="store" class="quiet"></span>
</header>
<form id="login" hidden>
<p><label for="token">This API server wants a token (sluice token create --role viewer):</label></p>
<p><input id="token" type="password" autocomplete="off" required> <button class="plain">Show</button></p>
</form>
<main>
<h2 id="findings-title">Findings</h2>
<ul id="findings" aria-labelledby="findings-title"></ul>
<h2>Services <span id="count" class="quiet"></span></h2>
<p><input id="filter" type="search" placeholder="find a service ( / )" aria-label="find a service"></p>
<div class="scroll"><table aria-label="services">
<thead><tr><th scope="col">Service</th><th scope="col">Entry</th><th scope="col" class="number">Ready</th><th scope="col" class="number">Nodes</th><th scope="col">Origin</th><th scope="col">Policy</th></tr></thead>
<tbody id="services"></tbody></table></div>
<p id="more"></p>
<h2>Nodes</h2>
<div class="scroll"><table aria-label="nodes">
<thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col">Address</th><th scope="col" class="number">Applied</th><th scope="col">Rules</th><th scope="col">Version</th><th scope="col">Failures</th></tr></thead>
<tbody id="nodes"></tbody></table></div>
<h2 id="records-title">Last events</h2>
<ul id="records" aria-labelledby="records-title"></ul>
</main>
<noscript>This page needs JavaScript; sluice status shows the same.</noscript>
<script>${SCRIPT}</script>
</body>
</html>
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Headers of the page: only its own style and script, and only this server is spoken to. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(STYLE)}`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
};
