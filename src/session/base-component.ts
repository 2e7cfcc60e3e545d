/**
 * What every component of the assessment pipeline is: the Python `BaseComponent`, in TypeScript.
 * Imports nothing.
 */

export interface ComponentHealth {
  readonly component: string;
  readonly status: 'healthy' | 'unhealthy';
  /** Why it is unhealthy, in one line for an operator. */
  readonly reason?: string;
}

export abstract class BaseComponent<TRequest, TResponse> {
  /** The component's name, as errors and trails give it. */
  abstract get componentName(): string;

  /** The component's main job: one request in, one response out. */
  abstract process(request: TRequest): Promise<TResponse>;

  /** Whether the component can do its job now; one that depends on nothing always can. Never throws. */
  async healthCheck(): Promise<ComponentHealth> {
    return { component: this.componentName, status: 'healthy' };
  }
}
