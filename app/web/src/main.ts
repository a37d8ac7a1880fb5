import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { theme } from './state/theme.svelte';

theme.apply();

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no element #app');
mount(App, { target });
