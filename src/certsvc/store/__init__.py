"""SQL: how the values of the domain are kept. It knows the domain's types and decides nothing."""
