"""Every public name that lucid is to have, by section. Names and meanings are PyTorch's.

A name is a path from the framework: ``add``, ``nn.functional.relu``, ``Tensor.add_``. A function that PyTorch also has
as a method of Tensor is to be one here; the runner looks at both.
"""

from __future__ import annotations


def _under(path: str, names: str) -> list[str]:
    return [f"{path}.{name}" for name in names.split()]


def _dims(names: str, *dims: int) -> str:
    """Each name for each number of dimensions: ``avg_pool`` → ``avg_pool1d avg_pool2d``."""
    return " ".join(f"{name}{d}d" for name in names.split() for d in dims)


_ACTIVATIONS = """CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish PReLU
    ReLU ReLU6 SELU Sigmoid SiLU Softmax Softmin Softplus Softshrink Softsign Tanh Tanhshrink Threshold"""
_LOSSES = """BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HuberLoss KLDivLoss L1Loss
    MarginRankingLoss MSELoss NLLLoss PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss"""

SECTIONS: dict[str, list[str]] = {
    "Creation": """tensor as_tensor from_numpy zeros ones full empty arange linspace logspace eye tril_indices
        triu_indices zeros_like ones_like full_like empty_like """.split()
    + _under("Tensor", "new_zeros new_ones new_full new_tensor"),
    "Random numbers": """rand randn randint randperm normal bernoulli multinomial rand_like randn_like randint_like
        manual_seed seed Generator get_rng_state set_rng_state """.split(),
    "Elementwise": """abs acos acosh add addcdiv addcmul asin asinh atan atan2 atanh ceil clamp clamp_max clamp_min
        copysign cos cosh deg2rad div erf erfc exp exp2 expm1 floor floor_divide fmax fmin fmod frac
        hypot lerp log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor logit
        maximum minimum mul nan_to_num neg positive pow rad2deg reciprocal remainder round rsqrt rsub
        sigmoid sign signbit sin sinh sqrt square sub tan tanh true_divide trunc where xlogy """.split(),
    "Comparisons": """eq ne lt le gt ge isclose isfinite isinf isnan isneginf isposinf allclose equal """.split(),
    "In place": _under(
        "Tensor",
        """abs_ acos_ acosh_ add_ addcdiv_ addcmul_ asin_ asinh_ atan_ atan2_ atanh_ ceil_ clamp_
        clamp_max_ clamp_min_ copysign_ cos_ cosh_ deg2rad_ div_ erf_ erfc_ exp_ exp2_ expm1_ floor_
        floor_divide_ fmod_ frac_ hypot_ lerp_ log_ log10_ log1p_ log2_ logical_and_ logical_not_
        logical_or_ logical_xor_ logit_ mul_ nan_to_num_ neg_ pow_ rad2deg_ reciprocal_ remainder_
        round_ rsqrt_ sigmoid_ sign_ sin_ sinh_ sqrt_ square_ sub_ tan_ tanh_ true_divide_ trunc_ xlogy_
        eq_ ne_ lt_ le_ gt_ ge_ """,
    ),
    "Reductions and scans": """all amax amin aminmax any argmax argmin count_nonzero cummax cummin cumprod
        cumsum diff dist
        logsumexp max mean median min nanmean nanmedian nansum norm prod std std_mean sum var var_mean
        softmax log_softmax Tensor.sum_to_size """.split(),
    "Shape": """broadcast_tensors broadcast_to cat chunk clone diag diag_embed diagflat diagonal flatten flip
        fliplr flipud hsplit hstack meshgrid movedim narrow permute ravel repeat_interleave reshape roll
        select split split_with_sizes squeeze stack t tensor_split tile transpose tril triu unbind
        unflatten unsqueeze vsplit vstack constant_pad_nd """.split()
    + _under("Tensor", "contiguous expand expand_as repeat reshape_as T mT unfold view view_as"),
    "Indexing": """gather scatter scatter_add index_add index_fill index_put index_select masked_fill masked_select
        nonzero take_along_dim topk sort argsort msort unique unique_consecutive searchsorted bucketize
        histc """.split()
    + _under("Tensor", "__getitem__ __setitem__"),
    "Linear algebra": """addbmm addmm addmv addr baddbmm bmm cdist cross dot einsum inner kron matmul mm mv outer
        tensordot trace cholesky logdet qr svd """.split()
    + _under(
        "linalg",
        """cholesky cross det diagonal inv matrix_norm matrix_power norm qr slogdet solve solve_triangular
        svd svdvals vecdot vector_norm eigh eigvalsh lstsq matrix_rank multi_dot pinv """,
    ),
    "Casts and queries": _under(
        "Tensor",
        """bool float double int long to type dtype shape ndim dim size numel item tolist numpy detach
        is_leaf requires_grad_ retain_grad register_hook stride data_ptr """,
    )
    + "finfo iinfo get_default_dtype set_default_dtype is_tensor float16 bfloat16".split(),
    "Gradients": "no_grad enable_grad inference_mode set_grad_enabled is_grad_enabled".split()
    + _under(
        "autograd",
        """grad backward Function gradcheck gradgradcheck functional.jacobian functional.hessian
        functional.vjp functional.jvp detect_anomaly set_detect_anomaly """,
    ),
    "Devices": """device Tensor.device cuda.is_available cuda.device_count backends.mps.is_available
        accelerator.is_available amp.autocast amp.GradScaler cuda.amp.autocast cuda.amp.GradScaler """.split(),
    "nn.functional": _under(
        "nn.functional",
        _dims("adaptive_avg_pool adaptive_max_pool avg_pool max_pool", 1, 2)
        + " "
        + """batch_norm group_norm instance_norm layer_norm rms_norm bilinear binary_cross_entropy
        binary_cross_entropy_with_logits celu channel_shuffle conv1d conv2d conv_transpose1d
        conv_transpose2d cosine_embedding_loss cosine_similarity cross_entropy dropout dropout1d
        dropout2d elu embedding gaussian_nll_loss gelu glu hardshrink hardsigmoid hardswish hardtanh
        huber_loss kl_div l1_loss leaky_relu linear logsigmoid log_softmax mish mse_loss nll_loss
        normalize one_hot pad pairwise_distance pixel_shuffle pixel_unshuffle poisson_nll_loss prelu
        relu relu6 scaled_dot_product_attention selu sigmoid silu smooth_l1_loss softmax softmin
        softplus softshrink softsign soft_margin_loss tanh tanhshrink threshold triplet_margin_loss
        margin_ranking_loss unfold fold upsample_nearest interpolate """,
    ),
    "nn": _under(
        "nn",
        """Module Parameter Sequential ModuleList ModuleDict ParameterList ParameterDict Identity Flatten
        Unflatten Linear Bilinear Embedding """
        + _dims(
            "Conv ConvTranspose MaxPool AvgPool AdaptiveAvgPool AdaptiveMaxPool LPPool BatchNorm InstanceNorm", 1, 2
        )
        + " GroupNorm LayerNorm RMSNorm Dropout Dropout1d Dropout2d AlphaDropout "
        + _ACTIVATIONS
        + " "
        + """MultiheadAttention RNN LSTM GRU RNNCell LSTMCell GRUCell TransformerEncoderLayer
        TransformerEncoder TransformerDecoderLayer TransformerDecoder Transformer """
        + _dims("ConstantPad ZeroPad ReflectionPad ReplicationPad CircularPad", 1, 2)
        + " Upsample PixelShuffle PixelUnshuffle Unfold Fold "
        + _LOSSES,
    ),
    "nn.Module": _under(
        "nn.Module",
        """add_module apply buffers children double eval float forward get_buffer get_parameter
        get_submodule load_state_dict modules named_buffers named_children named_modules
        named_parameters parameters register_buffer register_forward_hook register_forward_pre_hook
        register_full_backward_hook register_module register_parameter requires_grad_ state_dict to
        train zero_grad """,
    ),
    "nn.init": _under(
        "nn.init",
        """calculate_gain constant_ dirac_ eye_ kaiming_normal_ kaiming_uniform_ normal_ ones_ orthogonal_
        sparse_ trunc_normal_ uniform_ xavier_normal_ xavier_uniform_ zeros_ """,
    ),
    "nn.utils": _under(
        "nn.utils",
        """clip_grad_norm_ clip_grad_value_ get_total_norm parameters_to_vector vector_to_parameters
        rnn.pack_sequence rnn.pad_sequence rnn.pack_padded_sequence rnn.pad_packed_sequence
        parametrizations.weight_norm """,
    ),
    "Other names": """absolute adjoint arccos arccosh arcsin arcsinh arctan arctan2 arctanh atleast_1d atleast_2d
        atleast_3d bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
        broadcast_shapes chain_matmul clip column_stack concat concatenate det divide dsplit dstack ger greater
        greater_equal index_copy inverse less less_equal masked_scatter matrix_power moveaxis multiply negative
        not_equal pinverse relu result_type slogdet subtract swapaxes swapdims take vdot linalg.matmul
        nn.functional.alpha_dropout nn.functional.lp_pool1d nn.functional.lp_pool2d nn.functional.upsample
        nn.functional.upsample_bilinear nn.ChannelShuffle nn.CosineSimilarity nn.PairwiseDistance nn.Softmax2d
        nn.UpsamplingBilinear2d nn.UpsamplingNearest2d nn.utils.rnn.unpad_sequence nn.utils.rnn.unpack_sequence
        nn.Module.set_submodule """.split()
    + _under(
        "Tensor",
        """addbmm_ addmm_ addmv_ addr_ baddbmm_ bitwise_and_ bitwise_left_shift_ bitwise_not_ bitwise_or_
        bitwise_right_shift_ bitwise_xor_ clip_ copy_ cumprod_ cumsum_ divide_ fill_ index_add_ index_copy_
        index_fill_ index_put_ masked_fill_ masked_scatter_ multiply_ relu_ scatter_ scatter_add_ subtract_ tril_
        triu_ zero_ normal_ uniform_ absolute_ negative_ arctan2_ arcsin_ arccos_ arctan_ arcsinh_ arccosh_ arctanh_
        not_equal_ less_ less_equal_ greater_
        greater_equal_ new_empty type_as element_size is_contiguous is_floating_point """,
    ),
    "utils.data": _under(
        "utils.data",
        """BatchSampler ChainDataset ConcatDataset DataLoader RandomSampler SequentialSampler StackDataset Subset
        SubsetRandomSampler TensorDataset WeightedRandomSampler default_collate default_convert get_worker_info
        random_split """,
    ),
    "What programs use beside these": """argwhere bincount isin kthvalue quantile block_diag cartesian_prod rot90 cov
        corrcoef trapezoid as_strided numel """.split()
    + _under(
        "Tensor",
        """t_ squeeze_ unsqueeze_ transpose_ swapaxes_ swapdims_ fill_diagonal_ apply_ map_ nelement storage_offset
        is_same_size """,
    ),
}

NAMES = {name: section for section, names in SECTIONS.items() for name in names}


def full_name(name: str, names: dict[str, str] = NAMES) -> str:
    """The name in the list that is meant: as it is, or with what stands before it left out (``relu``, ``add_``).

    Raises:
        KeyError: when there is none, or several.
    """
    if name in names:
        return name
    found = [known for known in names if known.endswith("." + name)]
    if len(found) != 1:
        raise KeyError(f"{name!r} is not in names.py" if not found else f"{name!r} could be {' or '.join(found)}")
    return found[0]
