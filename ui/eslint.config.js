import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

const tauri = {
  group: ['@tauri-apps/*'],
  message: 'Only lib/backend/tauri.ts speaks to Tauri; everything else goes through Backend.',
};
const views = { group: ['**/views/**'], message: 'Views are on top: nothing below imports them.' };
const components = {
  group: ['**/components/**'],
  message: 'State and backends know nothing of components.',
};
const state = { group: ['**/state/**'], message: 'A backend knows nothing of state.' };
const backend = {
  group: ['**/backend/**'],
  message: 'Views and components speak to state, never to a backend.',
};
const layer = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default defineConfig(
  globalIgnores(['dist', 'src/paraglide', 'src/lib/protocol.ts']),
  js.configs.recommended,
  ts.configs.strict,
  svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      'no-undef': 'off',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'svelte/no-at-html-tags': 'error',
      'svelte/require-each-key': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'What a customer writes reaches the DOM only as text.' },
        { property: 'outerHTML', message: 'What a customer writes reaches the DOM only as text.' },
        { property: 'insertAdjacentHTML', message: 'What a customer writes reaches the DOM only as text.' },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { extraFileExtensions: ['.svelte'], parser: ts.parser, svelteConfig },
    },
  },
  { files: ['src/**/*.ts'], rules: { 'max-lines-per-function': ['error', { max: 40, skipComments: true }] } },
  // State keeps plain maps and shows a batch with one version: a reactive map would pay for each update.
  { files: ['src/lib/state/*.svelte.ts'], rules: { 'svelte/prefer-svelte-reactivity': 'off' } },
  { files: ['src/**/*.test.ts', 'src/testing/**'], rules: { 'max-lines-per-function': 'off' } },
  // Who may import what: views → components → state → backend, never backwards.
  { files: ['src/**'], rules: layer(tauri) },
  { files: ['src/views/**', 'src/*.svelte'], rules: layer(tauri, backend) },
  { files: ['src/lib/components/**'], rules: layer(tauri, backend, views) },
  { files: ['src/lib/state/**'], rules: layer(tauri, views, components) },
  { files: ['src/lib/backend/**'], rules: layer(tauri, views, components, state) },
  {
    files: ['src/lib/backend/tauri.ts', 'src/lib/backend/tauri.test.ts'],
    rules: layer(views, components, state),
  },
  { files: ['src/lib/text/**'], rules: layer(tauri, views, components, state, backend) },
);
