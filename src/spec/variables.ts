/**
 * Replaces $(NAME) by the variable's value in command, args and env values, in Kubernetes' way (Container.command): $$ is
 * one dollar sign, so $$(NAME) stays $(NAME); a reference to an unknown variable stays as it is written.
 */
export function expandVariables(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (reference, name?: string) =>
    name === undefined ? "$" : (lookUp(name) ?? reference),
  );
}
