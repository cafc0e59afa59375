package javax.annotation;

/** Stands in for the annotation library, the one dependency that openapi-generator lacks itself. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
