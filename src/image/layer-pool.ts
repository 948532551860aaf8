export class LayerPool {}
