import flare from './index.cjs';

export const { App, Reply, HttpError } = flare;
