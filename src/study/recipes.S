/* The built-in recipes (recipes/) as texts in the library. */
        .macro  recipe symbol, file
        .global \symbol
        .hidden \symbol
        .type   \symbol, %object
\symbol:
        .incbin "\file"
        .byte   0
        .size   \symbol, . - \symbol
        .endm

        .section .rodata
        recipe peek__recipe_fraction, "fraction.json"
        recipe peek__recipe_classes, "classes.json"
        recipe peek__recipe_order, "order.json"
        recipe peek__recipe_cifar, "cifar.json"
        recipe peek__recipe_alexnet_mnist, "alexnet-mnist.json"
        recipe peek__recipe_quality, "quality.json"

        .section .note.GNU-stack, "", %progbits
