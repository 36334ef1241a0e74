import '@fontsource-variable/inter';
import './app.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { openDesk } from '$lib/state/open';

const target = document.getElementById('app');
if (target) void openDesk().then((desk) => mount(App, { target, props: { desk } }));
