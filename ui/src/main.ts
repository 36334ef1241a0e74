import '@fontsource-variable/inter';
import './app.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { saveFile } from '$lib/components/files';
import { openDesk } from '$lib/state/open';

const target = document.getElementById('app');
if (target) void openDesk(saveFile).then((desk) => mount(App, { target, props: { desk } }));
