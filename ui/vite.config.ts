import { fileURLToPath } from 'node:url';

import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Served at `/` by the desktop window and at `/console/` by the embedded server.
  base: './',
  plugins: [
    tailwindcss(),
    svelte(),
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      strategy: ['baseLocale'],
    }),
  ],
  resolve: {
    alias: { $lib: source('./src/lib'), $paraglide: source('./src/paraglide') },
  },
  build: {
    target: ['es2022', 'safari16'],
    // The page's policy forbids scripts and fonts from `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: {
      '/console/ws': { target: 'http://127.0.0.1:8080', ws: true },
      '/console/call': { target: 'http://127.0.0.1:8080' },
    },
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts'],
  },
});
