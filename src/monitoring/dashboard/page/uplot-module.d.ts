/** The chart library as the node serves it, beside the page's own files. */
declare module '*/uPlot.esm.js' {
  export { default } from 'uplot';
}
