import { openApp } from "./state/app.js";
import { keepOffline } from "./views/keep-offline.js";
import { mount } from "./views/mount.js";

await mount(openApp());
await keepOffline();
