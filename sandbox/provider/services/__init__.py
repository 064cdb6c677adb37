"""One file a service: the resource classes and the AWS calls that they make."""
