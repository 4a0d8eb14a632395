export * from '../base/view.ts';
